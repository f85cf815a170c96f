/* The one connection over which the dongle tells what it sees: server-sent events. */

import { ApiError, get } from "./api.js";
import { approximate, parseExactly } from "./decimal.js";
import { Values } from "./reading.js";

const SILENCE = 15_000; // ms after which the connection counts as dead
const AGAIN = 3_000; // ms until the next try
const WINDOW = 300_000; // ms that the graph shows
const UNKNOWN = 30_000; // ms a reading lasts while nobody knows how often the meter sends
const LONGEST = 120_000; // ms a reading lasts at most: the interval may be one long pause

class Feed extends EventTarget {
  status = null;
  reading = null;
  at = null; // ms (Date.now) of the last reading
  connection = "connecting"; // "open", "lost", "full"
  values = new Values();
  power = null; // {number (W, decimal), at} of the last telegram that had it
  samples = []; // [{at, watt}], the last five minutes; watt is null where a gap begins

  #source = null;
  #listeners = 0;
  #heard = 0;
  #timer = null;

  /** Call `update` whenever something is new, and every second. Returns what ends that. */
  follow(update) {
    this.addEventListener("update", update);
    if (this.#listeners++ === 0) this.#start();
    update();
    return () => {
      this.removeEventListener("update", update);
      if (--this.#listeners === 0) this.#stop();
    };
  }

  /** ms since the last reading, null if there was none. */
  age() {
    return this.at === null ? null : Math.max(0, Date.now() - this.at);
  }

  /** ms that a value may be old and still be one of now. */
  limit() {
    const interval = this.status?.interval;
    return interval ? Math.min(Math.max(3 * interval + 1000, 10_000), LONGEST) : UNKNOWN;
  }

  /** The oldest time (ms) of a value that still is one of now. */
  since() {
    return Date.now() - this.limit();
  }

  #start() {
    this.#open();
    this.#timer = setInterval(() => {
      if (this.#source && Date.now() - this.#heard > SILENCE) this.#lose("lost");
      this.#changed();
    }, 1000);
  }

  #stop() {
    clearInterval(this.#timer);
    this.#source?.close();
    this.#source = null;
    this.connection = "connecting";
  }

  #open() {
    const source = new EventSource("/api/live");
    this.#source = source;
    this.#heard = Date.now();
    const on = (name, take) => source.addEventListener(name, (event) => {
      // The page slept while events waited; how old they are, only a new connection's `last` says.
      if (Date.now() - this.#heard > SILENCE) {
        source.close();
        return this.#open();
      }
      this.#heard = Date.now();
      this.connection = "open";
      take(event.data);
      this.#changed();
    });
    on("status", (data) => { this.status = JSON.parse(data); });
    on("last", (data) => this.#take(data, this.status?.age ?? 0));
    on("reading", (data) => this.#take(data, 0));
    // The browser comes back by itself after a break, and gives up if it is refused.
    source.onerror = () => {
      if (this.#source === source && source.readyState === EventSource.CLOSED) this.#lose("full");
      else if (this.connection === "open") this.connection = "lost";
      this.#changed();
    };
  }

  async #lose(why) {
    this.#source.close();
    this.#source = null;
    this.connection = "lost";
    try {
      // An EventSource does not tell why: this does, and asks for the login if that is it.
      await get("/api/status");
      this.connection = why;
    } catch (error) {
      if (error instanceof ApiError && error.code === "login-first") return;
    }
    this.#changed();
    setTimeout(() => {
      if (this.#listeners && !this.#source) this.#open();
    }, AGAIN);
  }

  #take(data, age) {
    const at = Date.now() - age;
    if (this.at !== null && at <= this.at + 500 && age) return; // known: `last` after a reconnection
    this.reading = parseExactly(data);
    this.values.take(this.reading, at);
    const net = this.values.net(at);
    const last = this.samples.at(-1);
    if (last && at - last.at > this.limit()) {
      this.samples.push({ at: last.at + this.limit(), watt: null });
    }
    if (net) {
      this.power = { number: net, at };
      this.samples.push({ at, watt: approximate(net) });
    }
    this.at = at;
    while (this.samples.length && this.samples[0].at < Date.now() - WINDOW) this.samples.shift();
  }

  #changed() {
    this.dispatchEvent(new Event("update"));
  }
}

export const feed = new Feed();
