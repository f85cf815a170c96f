/* Everything that the setup asked for, and what it did not; the log; restart and reset. */

import { get, getText, pause, post, put as send } from "./api.js";
import { field, form, h, note, put, unique } from "./dom.js";
import { keyPanel } from "./key.js";
import { operatorChoice } from "./meter.js";
import { explain, passwordChange } from "./password.js";
import { duration, sentence, t } from "./text.js";
import { updatePanel } from "./update.js";
import { wherePanel } from "./where.js";
import { wifiPanel } from "./wifi.js";
import { zoneField } from "./zone.js";

let pending = false; // something saved needs a restart

export function settings(app) {
  const closing = [];
  const restart = restartBar();
  const { need } = restart;
  const sections = [
    ["wifi.title", () => wifiPanel()],
    ["key.title", () => {
      const key = keyPanel({ restart: need });
      return [operatorChoice(key.operator), key];
    }],
    ["where.title", () => wherePanel({ restart: need })],
    ["set.device", () => fieldsPanel(DEVICE, need)],
    ["set.meter", () => fieldsPanel(METER, need, t("set.meter.hint"))],
    ["password.change", () => passwordChange(app)],
    ["set.backup", () => backup(need)],
    ["up.title", () => updatePanel(back)],
    ["set.restart", () => [h("p", { class: "quiet" }, t("set.restart.hint")), restartButton()]],
    ["set.reset", () => reset(app)],
  ];
  return {
    title: t("settings.title"),
    close: () => closing.forEach((one) => one()),
    element: h("div", { class: "stack" },
      h("h1", { tabindex: -1 }, t("settings.title")),
      restart,
      sections.map(([title, build]) => section(t(title), build, closing)),
      h("div", { class: "row" }, h("button", { type: "button", class: "second", onclick: app.leave }, t("logout"))),
      h("p", { class: "small quiet" }, t("set.about", app.hello))),
  };
}

// What is inside is made when it is opened first: a scan of networks costs the dongle seconds.
function section(title, build, closing) {
  const inside = h("div", { class: "stack" });
  const element = h("details", { class: "card" }, h("summary", null, h("h2", null, title)), inside);
  element.addEventListener("toggle", () => {
    if (!element.open || inside.childNodes.length) return;
    const panels = [build()].flat();
    for (const panel of panels) if (panel.close) closing.push(panel.close);
    put(inside, panels);
  });
  return element;
}

// Settings that are one field each: name, label, "number" or the choices. Only those that the dongle
// knows are shown.
const DEVICE = [["device", "set.name"], ["timezone", "set.zone", "zone"], ["led.brightness", "set.led", "number"]];
const METER = [
  ["meter.link", "set.link", ["auto", "mbus", "hdlc", "apdu", "p1", "sml", "amis"]],
  ["meter.baudrate", "set.baudrate", ["auto", 300, 1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200]],
  ["meter.framing", "set.framing", ["auto", "8N1", "8E1", "8O1", "7E1"]],
  ["meter.inverted", "set.inverted", ["auto", true, false]], ["meter.rx_pin", "set.rx_pin", "number"], ["meter.tx_pin", "set.tx_pin", "number"],
];

function fieldsPanel(wanted, need, hint) {
  const element = h("div", { class: "stack" }, h("p", { class: "quiet" }, t("loading")));
  const look = (document, name) => name.split(".").reduce((place, key) => place?.[key], document);
  get("/api/settings").then((document) => {
    const fields = wanted.filter(([name]) => look(document, name) !== undefined)
      .map(([name, label, kind]) => [name, kind, control(name, t(label), kind, look(document, name))]);
    let before = values(fields);
    const result = note();
    put(element, form(async () => {
      try {
        const now = values(fields);
        need((await send("/api/settings", changed(before, now))).restart);
        before = now;
        result.show("good", t("saved"));
      } catch (error) {
        result.clear();
        const wrong = fields.find(([name]) => name === error.setting);
        if (wrong?.[2].blame) wrong[2].blame(explain(error));
        else result.show("bad", explain(error));
      }
    }, h("div", { class: "stack" }, hint && h("p", { class: "quiet" }, hint), fields.map(([, , box]) => box),
      h("div", { class: "row" }, h("button", null, t("save"))), result)));
  }, (error) => put(element, h("p", { class: "problem" }, explain(error))));
  return element;
}

function control(name, label, kind, value) {
  if (kind === "zone") return zoneField(name, label, value);
  if (Array.isArray(kind)) {
    const id = unique();
    const word = { auto: t("set.auto"), true: t("set.yes"), false: t("set.no") };
    const choices = kind.includes(value) ? kind : [...kind, value]; // set by hand, in the file
    const input = h("select", { id, name },
      choices.map((one) => h("option", { value: one, selected: one === value }, word[one] ?? one)));
    const box = h("div", { class: "field" }, h("label", { for: id }, label), input);
    box.input = input;
    box.value = () => choices[input.selectedIndex];
    return box;
  }
  return field(label, { name, value: String(value), autocapitalize: "off", spellcheck: "false", autocomplete: "off",
    inputmode: kind === "number" ? "numeric" : null }, name === "device" ? t("set.name.hint") : null);
}

const values = (fields) => fields.map(([name, kind, { input, value }]) => {
  const text = input.value.trim();
  return [name, value ? value() : kind === "number" && /^-?\d+$/.test(text) ? Number(text) : text];
});

// What is as it was is not sent: somebody else may have set it meanwhile.
function changed(before, now) {
  const document = {};
  now.forEach(([name, value], i) => {
    if (value === before[i][1]) return;
    const path = name.split(".");
    const last = path.pop();
    path.reduce((inner, key) => (inner[key] ??= {}), document)[last] = value;
  });
  return document;
}

function backup(need) {
  const id = unique();
  const result = note();
  const file = h("input", { type: "file", id, accept: ".json,application/json", onchange: async () => {
    try {
      need((await post("/api/settings/import", parse(await file.files[0].text()))).restart);
      result.show("good", t("set.imported"));
    } catch (error) {
      result.show("bad", explain(error));
    }
    file.value = "";
  } });
  return [h("p", { class: "quiet" }, t("set.backup.hint")),
    h("div", { class: "row" }, h("a", { class: "button second", href: "/api/settings/export", download: "meterling-settings.json" }, t("set.export"))),
    h("div", { class: "field" }, h("label", { for: id }, t("set.import")), file), result];
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    throw { code: "not-json" };
  }
}

function restartBar() {
  const element = h("div", { class: "note stack", "data-tone": "wait", role: "status", hidden: true });
  element.need = (needed) => {
    pending = needed;
    element.hidden = !needed;
    put(element, h("p", null, t("set.restart.need")), restartButton());
  };
  element.need(pending);
  return element;
}

function restartButton() {
  const result = note();
  const button = h("button", { type: "button", onclick: async () => {
    button.disabled = true;
    try {
      await post("/api/reboot");
      result.show("wait", t("set.restarting"));
      await back();
      location.reload();
    } catch (error) {
      button.disabled = false;
      result.show("bad", explain(error));
    }
  } }, t("set.restart.do"));
  return h("div", { class: "stack" }, h("div", { class: "row" }, button), result);
}

// Until the dongle answers again; it restarts a second after it was asked.
async function back() {
  await pause(3000);
  for (let tries = 0; tries < 60; tries++) {
    try {
      return await get("/api/hello");
    } catch {
      await pause(1000);
    }
  }
  return null;
}

function reset(app) {
  const { device } = app.hello;
  const confirm = field(t("set.reset.confirm"), { name: "confirm", autocomplete: "off", autocapitalize: "off", spellcheck: "false" });
  const result = note();
  return form(async () => {
    if (confirm.input.value.trim() !== device) return confirm.blame(t("error.confirm"));
    try {
      await post("/api/factory-reset", { confirm: device });
      result.show("wait", t("set.resetting"));
    } catch (error) {
      confirm.blame(explain(error));
    }
  }, h("div", { class: "stack" }, h("p", { class: "quiet" }, t("set.reset.hint", { device })), confirm,
    h("div", { class: "row" }, h("button", { class: "danger" }, t("set.reset.do"))), result));
}

export function log() {
  const lines = h("pre", { tabindex: 0, role: "region", "aria-label": t("log.title") });
  const start = h("p", { class: "quiet" });
  const load = async () => {
    try {
      const { start: n, cause, uptime } = await get("/api/status");
      start.textContent = t("log.start", { n, since: duration(1000 * uptime), cause: sentence("cause", cause) });
      lines.textContent = (await getText("/api/log")).trimEnd() || t("log.empty");
    } catch (error) {
      lines.textContent = explain(error);
    }
  };
  load();
  return {
    title: t("log.title"),
    wide: true,
    element: h("div", { class: "stack" },
      h("div", null, h("h1", { tabindex: -1 }, t("log.title")), h("p", { class: "lead" }, t("log.lead")), start),
      h("div", { class: "card" }, lines),
      h("div", { class: "row" }, h("button", { type: "button", class: "second", onclick: load }, t("log.again")))),
  };
}
