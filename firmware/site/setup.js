/* The first five minutes: password, Wi-Fi, meter, key, where to. Every step but the first can wait. */

import { get, post } from "./api.js";
import { h, put } from "./dom.js";
import { hasKey, keyPanel } from "./key.js";
import { meterState, operatorChoice } from "./meter.js";
import { explain, passwordPanel } from "./password.js";
import { t } from "./text.js";
import { wherePanel } from "./where.js";
import { home, wifiPanel } from "./wifi.js";

const STEPS = ["password", "wifi", "meter", "key", "where", "done"];
const found = { address: null, name: null }; // of the Wi-Fi's test

export function setup(app, name) {
  let step = STEPS.includes(name) ? name : "wifi";
  if (app.hello.state === "in" && step === "password") step = "wifi";
  const at = STEPS.indexOf(step);
  const go = (to) => { location.hash = `setup/${to}`; };
  const body = h("div", { class: "stack" });
  const closing = [];
  const keep = (panel) => {
    if (panel.close) closing.push(panel.close);
    return panel;
  };
  const next = h("div", { class: "row" },
    at > 1 && h("button", { type: "button", class: "second", onclick: () => go(STEPS[at - 1]) }, t("back")),
    h("button", { type: "button", onclick: () => go(STEPS[at + 1]) }, t("next")));

  const pages = {
    password: () => [passwordPanel(app, async () => {
      location.hash = "setup/wifi";
      await app.start();
    })],
    wifi: () => wifiStep(keep, go),
    meter: () => [h("div", { class: "card" }, keep(meterState())), operatorChoice(), next],
    key: () => {
      // One way on: "I have no key yet" until there is one.
      const on = h("button", { type: "button", class: "second", onclick: () => go("where") }, t("key.tomorrow"));
      const hint = h("p", { class: "hint" }, t("key.tomorrow.hint"));
      const ready = () => {
        on.textContent = t("next");
        on.classList.remove("second");
        hint.hidden = true;
      };
      hasKey().then((set) => set && ready(), () => {});
      return [h("div", { class: "card" }, keep(keyPanel({ saved: ready }))),
        h("div", null, h("div", { class: "row" },
          h("button", { type: "button", class: "second", onclick: () => go("meter") }, t("back")), on), hint)];
    },
    // The test of a broker takes long: who has gone back meanwhile stays there.
    where: () => [wherePanel({ done: () => location.hash === "#setup/where" && go("done") }),
      h("div", { class: "row" }, h("button", { type: "button", class: "second", onclick: () => go("key") }, t("back")))],
    done: () => doneStep(app),
  };
  put(body, pages[step]());
  const last = step === "done";
  return {
    title: t(`${step}.title`),
    navigation: false,
    close: () => closing.forEach((one) => one()),
    element: h("div", null,
      !last && h("p", { class: "unseen" }, t("step", { n: at + 1, of: STEPS.length - 1 })),
      h("ol", { class: "steps", "aria-hidden": "true" }, STEPS.slice(0, -1).map((_, i) => h("li", { "data-done": i <= at }))),
      h("div", { class: "stack" },
        h("div", null, h("h1", { tabindex: -1 }, t(`${step}.title`)), h("p", { class: "lead" }, t(`${step}.lead`))), body)),
  };
}

// Already in a Wi-Fi (coming back, or by Improv): say so first, and offer another one.
function wifiStep(keep, go) {
  const box = h("div", { class: "stack" }, h("p", { class: "quiet" }, t("loading")));
  const done = (address, name) => {
    Object.assign(found, { address, name });
    go("meter");
  };
  const choose = () => put(box, keep(wifiPanel(done, () => go("meter"))));
  get("/api/status").then(({ wifi }) => {
    if (!wifi?.up || !(wifi.ssid || wifi.cable)) return choose();
    Object.assign(found, { address: wifi.address });
    return put(box, h("div", { class: "note", "data-tone": "good" }, t(wifi.cable ? "wifi.cable" : "wifi.now", wifi)),
      h("div", { class: "row" },
        h("button", { type: "button", class: "second", onclick: choose }, t("wifi.other")),
        h("button", { type: "button", onclick: () => go("meter") }, t("next"))));
  }).catch(choose);
  return [box];
}

function doneStep(app) {
  const box = h("div", { class: "stack" });
  const finish = async () => {
    put(box, h("p", { class: "quiet" }, t("loading")));
    const { restart } = await post("/api/setup/done");
    app.hello.setup_done = true;
    const status = await get("/api/status");
    const address = found.address ?? status.wifi?.address;
    // Over the dongle's own Wi-Fi the page ends here; it goes on in the home's.
    put(box,
      !status.key && status.ciphered !== false && h("div", { class: "note", "data-tone": "wait" }, t("done.key")),
      app.hello.access_point && address && h("div", { class: "card stack" }, h("p", null, t("done.home")), home(address, found.name)),
      h("div", { class: "row" }, h("a", { class: "button", href: "#live" }, t("done.go"))));
    if (restart) await post("/api/reboot");
  };
  const attempt = () => finish().catch((error) => put(box, h("p", { class: "problem" }, explain(error)),
    h("div", { class: "row" }, h("a", { class: "button second", href: "#live" }, t("done.go")),
      h("button", { type: "button", onclick: attempt }, t("retry")))));
  attempt();
  return [box];
}
