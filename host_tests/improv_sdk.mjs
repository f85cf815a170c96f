// Improv's own JavaScript between a dongle's terminal (stdin and stdout) and a test, which names
// the calls and reads what came of them (stderr, a line of JSON for each).
import { ImprovSerial } from "improv-wifi-serial-sdk/dist/serial.js";
import { Readable, Writable } from "node:stream";

const wrong = [];
const logger = {
  log() {},
  debug() {},
  error: (...words) => wrong.push(words.join(" ")),
};
// As much of a Web Serial port as the library uses.
const port = {
  readable: Readable.toWeb(process.stdin),
  writable: Writable.toWeb(process.stdout),
};
const client = new ImprovSerial(port, logger);
const states = [];
client.addEventListener("state-changed", () => states.push(client.state));

for (const [call, ...values] of JSON.parse(process.argv[2])) {
  const found = {};
  try {
    found.value = (await client[call](...values)) ?? null;
  } catch (error) {
    found.refused = String(error);
  }
  const { info, state, error, nextUrl } = client;
  const line = { ...found, info, state, error, nextUrl, states: states.splice(0), wrong };
  process.stderr.write(JSON.stringify(line) + "\n");
}
process.exit(0);
