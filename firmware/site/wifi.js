/* Choosing the Wi-Fi: scanned, tested, and only then saved. */

import { get, pause, post } from "./api.js";
import { field, form, h, note, put, secret, svg, unique } from "./dom.js";
import { explain } from "./password.js";
import { qr } from "./qr.js";
import { sentence, t } from "./text.js";

const PATIENCE = 60_000; // ms without an answer until the page says so
const AGAIN = 1000;

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
      h("input", { type: "radio", name: group, onchange: () => pick(network) }),
      h("span", null, hidden ? t("wifi.hidden") : network.ssid, words && h("span", { class: "unseen" }, `, ${words.join(", ")}`)),
      !hidden && !network.secure && h("small", { "aria-hidden": "true" }, t("wifi.open")),
      !hidden && bars(network.bars)));
  }

  async function scan() {
    state.textContent = t("wifi.scanning");
    try {
      const { networks } = await post("/api/wifi/scan");
      state.textContent = networks.length ? "" : t("wifi.none");
      put(list, [...networks, {}].map(choice));
    } catch (error) {
      state.textContent = explain(error);
      put(list, choice({}));
    }
  }

  async function test() {
    if (!chosen) return;
    const asked = { ssid: chosen.ssid ?? ssid.input.value, password: chosen.secure === false ? "" : password.input.value, hidden: !chosen.ssid };
    if (!asked.ssid) return ssid.blame(t("error.ssid"));
    result.show("wait", h("p", null, h("strong", null, t("wifi.testing", asked))), h("p", { class: "small" }, t("wifi.testing.hint")));
    try {
      await post("/api/wifi/test", asked);
    } catch (error) {
      // The answer may be lost when the radio changes its channel; the test then runs all the same.
      if (error.code === "wifi-password-length") {
        result.clear();
        return password.blame(explain(error));
      }
      if (error.code !== "offline") return result.show("bad", explain(error));
    }
    const found = await outcome(isOpen, () => result.show("wait", t("wifi.lost")));
    if (!found) return;
    if (found.result === "ok") return connected(element, asked.ssid, found, done, () => choose(element, isOpen, done, later));
    if (found.result === "wifi-password") {
      result.clear();
      return password.blame(sentence("wifi", found.result));
    }
    result.show("bad", sentence("wifi", found.result));
  }

  const details = h("div", { class: "stack", hidden: true }, ssid, password, h("div", { class: "row" }, connect), result);
  put(element,
    form(test, h("div", { class: "stack" },
      h("fieldset", { class: "stack" }, h("legend", { class: "unseen" }, t("wifi.networks")), state, list),
      details)),
    h("div", { class: "row" }, h("button", { class: "second", type: "button", onclick: scan }, t("wifi.scan")),
      later && h("button", { class: "second", type: "button", onclick: later }, t("later"))));
  scan();
}

/** The test's result, however long the phone was away; null when the page was left. */
async function outcome(isOpen, lost) {
  let heard = Date.now();
  while (isOpen()) {
    await pause(AGAIN);
    try {
      const found = await get("/api/wifi/test");
      heard = Date.now();
      if (found.state === "done") return found;
      if (found.state === "none") return { result: "wifi-timeout" };
    } catch (error) {
      if (error.code === "login-first") return null;
      if (Date.now() - heard > PATIENCE) lost();
    }
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
