/* Choosing the Wi-Fi: scanned, tested, and only then saved. */

import { ApiError, get, pause, post } from "./api.js";
import { field, form, h, note, put, secret, svg, unique } from "./dom.js";
import { explain } from "./password.js";
import { qr } from "./qr.js";
import { sentence, t } from "./text.js";

const PATIENCE = 60_000; // ms without an answer until the page says so
const AGAIN = 1000;
const STARTS = 3; // of one test, until the dongle has it

/** `done(address, name)` is called when the owner goes on, `later()` when without a Wi-Fi; without them
 * there are no such buttons. */
export function wifiPanel(done, later) {
  const element = h("div", { class: "stack" });
  let open = true;
  element.close = () => { open = false; };
  choose(element, () => open, done, later);
  return element;
}

function choose(element, isOpen, done, later) {
  const group = unique();
  const list = h("ul", { class: "choices" });
  const state = h("p", { class: "quiet", role: "status" });
  const ssid = field(t("wifi.ssid"), { name: "ssid", maxlength: 32, autocapitalize: "off", spellcheck: "false", autocomplete: "off" });
  const password = secret(t("wifi.password"), t("show"),
    { name: "wifi-password", autocomplete: "off", maxlength: 64 }, t("wifi.password.hint"));
  const result = note();
  const connect = h("button", null, t("wifi.test"));
  let chosen = null; // a network of the list; {} = hidden

  function pick(network) {
    chosen = network;
    ssid.hidden = !!network.ssid;
    password.hidden = network.secure === false;
    details.hidden = false;
    result.clear();
  }

  function choice(network) {
    const hidden = !network.ssid;
    const words = hidden ? null : [network.secure ? t("wifi.secure") : t("wifi.open"), t("wifi.bars", { n: network.bars })];
    return h("li", null, h("label", { class: "choice" },
      h("input", { type: "radio", name: group, checked: !!chosen && chosen.ssid === network.ssid, onchange: () => pick(network) }),
      h("span", null, hidden ? t("wifi.hidden") : network.ssid, words && h("span", { class: "unseen" }, `, ${words.join(", ")}`)),
      !hidden && !network.secure && h("small", { "aria-hidden": "true" }, t("wifi.open")),
      !hidden && bars(network.bars)));
  }

  async function scan() {
    state.textContent = t("wifi.scanning");
    try {
      const { networks } = await post("/api/wifi/scan");
      state.textContent = networks.length ? "" : t("wifi.none");
      const all = [...networks, {}];
      chosen &&= all.find((one) => one.ssid === chosen.ssid); // unless it has gone
      details.hidden = !chosen;
      put(list, all.map(choice));
    } catch (error) {
      state.textContent = explain(error);
      if (!list.firstChild) put(list, choice({}));
    }
  }

  function test() {
    if (!chosen) return;
    const asked = { ssid: chosen.ssid ?? ssid.input.value, password: chosen.secure === false ? "" : password.input.value };
    if (!asked.ssid) return ssid.blame(t("error.ssid"));
    return follow(asked, () => start(asked));
  }

  async function follow(asked, begin) {
    result.show("wait", h("p", null, h("strong", null, t("wifi.testing", asked))), h("p", { class: "small" }, t("wifi.testing.hint")));
    let found;
    try {
      found = await outcome(asked.ssid, begin, isOpen, () => result.show("wait", t("wifi.lost")));
    } catch (error) {
      if (error.code !== "wifi-password-length") return result.show("bad", explain(error));
      result.clear();
      return password.blame(explain(error));
    }
    if (!found) return;
    if (found.result === "ok") return connected(element, asked.ssid, found, done, () => choose(element, isOpen, done, later));
    if (found.result === "wifi-password") {
      result.clear();
      return password.blame(sentence("wifi", found.result));
    }
    result.show("bad", sentence("wifi", found.result));
  }

  const details = h("div", { class: "stack", hidden: true }, ssid, password, h("div", { class: "row" }, connect));
  put(element,
    form(test, h("div", { class: "stack" },
      h("fieldset", { class: "stack" }, h("legend", { class: "unseen" }, t("wifi.networks")), state, list),
      details, result)),
    h("div", { class: "row" }, h("button", { class: "second", type: "button", onclick: scan }, t("wifi.scan")),
      later && h("button", { class: "second", type: "button", onclick: later }, t("later"))));
  // Loaded anew in the midst of a test: the phone lost the access point, and came back.
  get("/api/wifi/test").then(async ({ state, ssid }) => {
    if (state === "running") {
      pick({ ssid });
      await follow({ ssid }, () => true);
    }
  }).catch(() => {}).finally(() => list.isConnected && scan());
}

// Start a test. True if the dongle said so: when the radio changes its channel the answer may be lost.
const start = (asked) => post("/api/wifi/test", asked).then(() => true, (error) => {
  if (error.code !== "offline") throw error;
  return false;
});

/** The result of the test of `ssid` that `begin()` starts, however long the phone was away; null when the page was left. */
async function outcome(ssid, begin, isOpen, lost) {
  let ours = await begin(); // what the dongle tells is of this test, not of one before
  let more = STARTS - 1;
  let heard = Date.now();
  while (isOpen()) {
    await pause(AGAIN);
    let found;
    try {
      found = await get("/api/wifi/test");
    } catch (error) {
      if (error.code === "login-first") return null;
      if (Date.now() - heard > PATIENCE) lost();
      continue;
    }
    heard = Date.now();
    if (found.state === "running") ours ||= found.ssid === ssid;
    else if (ours) return found.state === "done" ? found : { result: "wifi-timeout" };
    else if (more--) ours = await begin();
    else throw new ApiError("offline");
  }
  return null;
}

function connected(element, ssid, { address, name }, done, again) {
  const heading = h("p", { tabindex: -1 }, h("strong", null, t("wifi.done", { ssid })));
  put(element,
    h("div", { class: "note", "data-tone": "good" }, heading),
    home(address, name),
    h("div", { class: "row" },
      h("button", { class: "second", type: "button", onclick: again }, t("wifi.other")),
      done && h("button", { type: "button", onclick: () => done(address, name) }, t("next"))));
  heading.focus();
}

/** Where the dongle lives: link and QR code. */
export function home(address, name) {
  const port = location.port ? `:${location.port}` : ""; // on a PC
  const url = `http://${address}${port}/`;
  return h("div", { class: "home" }, qr(url, t("wifi.qr", { address: url })),
    h("div", { class: "tight" }, h("p", { class: "quiet" }, t("wifi.address")),
      h("p", null, h("a", { class: "address", href: url }, address + port)),
      name && h("p", null, h("a", { href: `http://${name}${port}/` }, name)),
      h("p", { class: "small quiet" }, t("wifi.address.hint"))));
}

function bars(count) {
  return svg("svg", { class: "bars", viewBox: "0 0 22 18", "aria-hidden": "true" },
    [0, 1, 2, 3].map((i) => svg("rect", { x: 1 + 5.5 * i, y: 13 - 4 * i, width: 4, height: 4 + 4 * i, rx: 1.2, "data-on": i < count })));
}
