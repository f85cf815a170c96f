/* The live view: power now, the last minutes, phases, meter readings, quality. */

import { decimal, format, round } from "./decimal.js";
import { h, put, say } from "./dom.js";
import { feed } from "./feed.js";
import { see } from "./meter.js";
import { duration, has, marks, sentence, t } from "./text.js";

// What to say before the first value: telegrams may come that cannot be read yet.
const never = () => (feed.status?.counters.telegrams ? "live.unread" : "live.never");

// Which layer refused, by the error's code.
const LAYERS = {
  link: ["noise", "truncated", "checksum", "segment", "too-long"],
  ciphering: ["apdu", "ciphering", "security", "no-key", "no-auth-key", "tag", "wrong-key", "replay"],
  data: ["decode", "data-type", "empty", "implausible", "unprotected"],
};
const NONE = "–";

const shown = (number, places) => format(places === undefined ? number : round(number, places), marks());
const withUnit = (text, unit) => [text, h("span", { class: "unit" }, `\u00a0${unit}`)];
const watt = (number) => `${shown(number, 0)}\u00a0W`;

export function live() {
  const parts = [power(), graphCard(), state(), phases(), energies(), quality(), allValues()];
  const [now, picture, seen, phase, energy, good, all] = parts;
  return {
    title: t("live.title"),
    wide: true,
    close: () => parts.forEach((part) => part.close?.()),
    shown: () => {
      const stop = feed.follow(() => parts.forEach((part) => part.update()));
      parts.push({ close: stop, update: () => {} });
    },
    element: h("div", { class: "live" },
      h("h1", { class: "unseen", tabindex: -1 }, t("live.title")),
      h("div", { class: "column" }, h("section", { class: "card wide" }, now.element, picture.element), seen.element),
      h("div", { class: "column" }, phase.element, energy.element, good.element),
      h("div", { class: "whole" }, all.element)),
  };
}

function power() {
  const direction = h("h2", { class: "direction" });
  const number = h("span");
  const unit = h("span", { class: "unit" }, "\u00a0W");
  const age = h("span");
  const line = h("p", { class: "age" }, h("span", { class: "lamp", "aria-hidden": "true" }), age);
  const below = h("p", { class: "small quiet" });
  const element = h("div", { class: "power" }, h("div", { class: "top" }, direction, line), h("p", { class: "now" }, number, unit), below);
  return {
    element,
    update() {
      const fresh = feed.power && feed.power.at >= feed.since() && feed.connection !== "lost";
      const way = !fresh ? "none" : feed.power.number.digits < 0n ? "export" : "import";
      element.dataset.way = way;
      element.toggleAttribute("data-stale", !fresh);
      say(direction, t(way === "none" ? "live.power" : `live.${way}`));
      say(number, fresh ? shown(feed.power.number, 0) : NONE);
      unit.hidden = !fresh;
      say(below, fresh ? t("live.balance") : feed.power
        ? `${t("live.missing")}. ${t("live.last", { value: watt(feed.power.number), age: duration(Date.now() - feed.power.at) })}`
        : t("live.missing"));
      const since = feed.age();
      line.dataset.tone = since !== null && since < feed.limit() ? "good" : "bad";
      say(age, since === null ? t(never()) : t("live.age", { age: duration(since) }));
    },
  };
}

// What is wrong, if something is.
function state() {
  const text = h("p", null, h("strong"));
  const what = h("p", { class: "small" });
  const hint = h("p", { class: "small" });
  const element = h("div", { class: "note", role: "status" }, text, what, hint);
  return {
    element,
    update() {
      const now = see();
      element.hidden = now.tone === "good";
      element.dataset.tone = now.tone;
      say(text.firstChild, now.tone === "good" ? "" : now.text);
      say(what, now.what ?? "");
      say(hint, now.hint);
    },
  };
}

function graphCard() {
  const empty = h("p", { class: "empty" }, t("live.graph.empty"));
  const box = h("div", { class: "graph", role: "img", "aria-label": t("live.graph") }, empty);
  let drawing = null;
  let closed = false;
  async function load() {
    const { graph } = await import(document.querySelector("script[data-graph]").dataset.graph);
    if (closed) return;
    drawing = graph(box, {
      power: t("live.power"), now: t("live.now"), minutes: (n) => t("live.minutes", { n }),
      watt: (number) => watt(decimal(String(Math.round(number)))),
    });
    this.update();
  }
  return {
    element: h("div", null, h("h2", { class: "unseen" }, t("live.graph")), box),
    close() {
      closed = true;
      drawing?.close();
    },
    update() {
      const values = feed.samples.map((one) => one.watt).filter((one) => one !== null);
      empty.hidden = values.length > 0 && drawing !== null;
      if (!values.length) return;
      if (!this.asked) {
        this.asked = true;
        load.call(this).catch(() => {}); // the numbers are there without it
      }
      const say = (number) => watt(decimal(String(Math.round(number))));
      box.setAttribute("aria-label", t("live.graph.label",
        { low: say(Math.min(...values)), high: say(Math.max(...values)), now: say(values.at(-1)) }));
      drawing?.draw(feed.samples, Date.now());
    },
  };
}

function phases() {
  const body = h("tbody");
  const element = h("section", { class: "card" }, h("h2", null, t("live.phases")),
    h("table", { class: "numbers" }, h("thead", null, h("tr", null, h("th", { scope: "col" }, h("span", { class: "unseen" }, t("live.phase"))),
      ["voltage", "current", "power"].map((name) => h("th", { scope: "col" }, t(`live.${name}`))))), body));
  const cell = (number, unit, places) => number
    ? h("td", null, withUnit(shown(number, places), unit))
    : h("td", { class: "none" }, NONE, h("span", { class: "unseen" }, t("live.no-value")));
  let drawn = "";
  return {
    element,
    update() {
      const list = feed.values.phases(feed.since());
      element.hidden = !list.length;
      const lines = list.map(({ name, voltage, current, power }) => h("tr", null, h("th", { scope: "row" }, name),
        cell(voltage, "V"), cell(current, "A"), cell(power, "W", 0)));
      drawn = replace(body, lines, drawn);
    },
  };
}

// Put `lines` in the place of what is there, if they look different.
function replace(element, lines, drawn) {
  const looks = lines.map((line) => line.outerHTML).join("");
  if (looks !== drawn) put(element, lines);
  return looks;
}

function energies() {
  const list = h("dl", { class: "facts big" });
  const element = h("section", { class: "card" }, h("h2", null, t("live.energies")), list);
  let drawn = "";
  return {
    element,
    update() {
      const energies = feed.values.energies();
      element.hidden = !energies.length;
      drawn = replace(list, energies.map(({ group, number, at }) => {
        const [way, , tariff] = group.split(".");
        const what = t(`live.${way}`);
        const old = Date.now() - at > feed.limit();
        return h("div", null,
          h("dt", null, tariff === "0" ? what : t("live.tariff", { what, n: tariff })),
          h("dd", null, withUnit(shown(number), "kWh"), old && h("small", null, t("live.age", { age: duration(Date.now() - at) }))));
      }), drawn);
    },
  };
}

function quality() {
  const list = h("dl", { class: "facts" });
  const element = h("section", { class: "card" }, h("h2", null, t("live.quality")), list);
  let drawn = "";
  const count = (number) => shown(decimal(String(number)));
  return {
    element,
    update() {
      const { status } = feed;
      element.hidden = !status;
      if (!status) return;
      const { counters, mqtt, wifi } = status;
      const refused = Object.entries(LAYERS).map(([layer, codes]) =>
        [t(`live.${layer}`), codes.reduce((sum, code) => sum + (counters.errors[code] ?? 0), 0)]).filter(([, n]) => n);
      const rows = [
        [t("live.telegram"), feed.age() === null ? t(never()) : t("live.age", { age: duration(feed.age()) })],
        [t("live.seen"), count(counters.telegrams)],
        [t("live.read"), count(counters.readings)],
        [t("live.lost"), count(status.lost)],
        [t("live.refused"), refused.length ? refused.map(([name, n]) => `${name}\u00a0${count(n)}`).join(", ") : "0"],
        wifi?.rssi != null && [t("live.wifi"), `${shown(decimal(String(wifi.rssi)))}\u00a0dBm`],
        wifi?.problem && [t("live.wifi"), sentence("wifi", wifi.problem)],
        mqtt && [t("live.mqtt"), t(mqtt.connected ? "mqtt.state.on" : mqtt.on ? "mqtt.state.off" : "mqtt.state.none"),
          !mqtt.connected && mqtt.error && sentence("mqtt", mqtt.error)],
      ].filter(Boolean);
      drawn = replace(list, rows.map(([name, value, why]) => h("div", null, h("dt", null, name), h("dd", null, value, why && h("small", null, why)))), drawn);
    },
  };
}

function allValues() {
  const head = h("p", { class: "quiet small" });
  const body = h("tbody");
  const element = h("details", { class: "card", ontoggle: () => all.update() }, h("summary", null, t("live.all")), head,
    h("table", { class: "all" }, h("thead", null, h("tr", null,
      ["name", "value"].map((name) => h("th", { scope: "col" }, t(`live.${name}`))))), body));
  let drawn = "";
  const all = {
    element,
    update() {
      const list = feed.values.all();
      element.hidden = !list.length;
      if (!element.open || !list.length) return;
      const { meter, time } = feed.reading;
      say(head, [meter && t("live.meter", { meter }), time && `${t("live.time")}: ${clock(time)}`].filter(Boolean).join(" · "));
      drawn = replace(body, list.map((one) => h("tr", null,
        h("td", null, name(one), h("small", null, one.code)), h("td", null, ...value(one)))), drawn);
    },
  };
  return all;
}

// As the meter sent it: 2026-11-22 17:00:44, in this browser's time if the meter says which time it is.
function clock(time) {
  if (!time.endsWith("Z")) return time.replace("T", " ");
  return new Date(time).toLocaleString(marks().point === "," ? "de-AT" : "en-GB");
}

function value({ value, unit, at }) {
  if (value === null) return [h("span", { class: "quiet" }, t("live.no-value"))];
  // Digits without a unit may be a name, such as the meter's: as they came.
  const number = unit || value.includes(".") ? decimal(value) : null;
  const old = Date.now() - at > feed.limit();
  return [number ? h("span", { class: "number" }, unit ? withUnit(shown(number), unit) : shown(number)) : value,
    old && h("span", { class: "quiet small" }, ` (${t("live.age", { age: duration(Date.now() - at) })})`)];
}

/** What an OBIS code means, as far as the page knows it. */
function name({ code, group }) {
  if (!group) {
    const sub = /^0-(\d+):24\.2\.1/.exec(code);
    return sub ? t("obis.sub", { n: sub[1] }) : "";
  }
  if (has(`obis.${group}`)) return t(`obis.${group}`);
  const [c, d, e] = group.split(".").map(Number);
  if (d === 8 && has(`obis.${c}.8`)) return e ? t("live.tariff", { what: t(`obis.${c}.8`), n: e }) : t(`obis.${c}.8`);
  const phase = Math.floor(c / 20);
  if (d === 7 && phase >= 1 && phase <= 3 && has(`obis.${c % 20}`)) return t(`obis.${c % 20}`, { n: phase });
  return "";
}
