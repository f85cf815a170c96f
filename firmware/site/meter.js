/* What the line shows right now, in words the owner can act on; and the operator's way to the key. */

import { get, put as send } from "./api.js";
import { h, put, unique } from "./dom.js";
import { feed } from "./feed.js";
import { duration, has, language, sentence, t } from "./text.js";

// FLAG identifiers that meters on customer interfaces carry in their system titles.
const MAKERS = {
  KFM: "Kaifa", LGZ: "Landis+Gyr", SAG: "Sagemcom", SAC: "Sagemcom", SIE: "Siemens", ISK: "Iskraemeco",
  ISE: "Iskraemeco", KAM: "Kamstrup", AID: "Aidon", ELS: "Elster", EMH: "EMH", ITR: "Itron", EAA: "Honeywell",
};
const LINES = { terminals: "meter.terminals", optical: "meter.optical", "module bay": "meter.bay" };
const LINKS = { mbus: "M-Bus", hdlc: "HDLC", p1: "P1", sml: "SML", apdu: "DLMS", amis: "M-Bus (AMIS)" };

/** Operator chosen in this browser, with all its texts; or null. */
export const chosen = { operator: null };

/** {tone, text, what, hint} of the feed's state: what is seen, said so that the owner can act on it. */
export function see() {
  const { status, connection } = feed;
  if (connection !== "open") {
    const how = connection === "lost" || connection === "full" ? connection : "connecting";
    return { tone: how === "connecting" ? "wait" : "bad", text: t(`see.${how}`), hint: how === "connecting" ? "" : t(`see.${how}.hint`) };
  }
  if (!status) return { tone: "wait", text: t("see.connecting"), hint: "" };
  const { diagnosis, line, counters } = status;
  const trying = counters.bytes > 0 && !counters.frames && line?.sniffing && line.baudrate && ["starting", "no-frames", "noise"].includes(diagnosis);
  const silent = diagnosis === "no-bytes" && line?.optical ? "no-bytes.optical" : diagnosis;
  const code = trying ? "trying" : silent;
  const tone = code === "ok" ? "good" : ["starting", "trying", "no-key", "no-auth-key", "unprotected"].includes(code) ? "wait" : "bad";
  return {
    tone, what: counters.telegrams ? seen(status) : "",
    text: sentence("see", code, { line: lineText(line), pins: pins() }),
    hint: t(has(`see.${code}.hint`) ? `see.${code}.hint` : "see.?.hint"),
  };
}

const lineText = (line) => `${line?.baudrate} ${line?.framing}${line?.inverted ? "\u00a0(P1)" : ""}`;

// "Kaifa on M-Bus, a telegram every 5 s, encrypted"
function seen({ maker, line, interval, ciphered }) {
  return t(line?.link in LINKS ? "see.telegram" : "see.somewhere", { maker: maker ? MAKERS[maker] ?? maker : t("see.meter"), link: LINKS[line?.link] ?? "?" })
    + (interval ? t("see.every", { interval: duration(interval) }) : "")
    + (ciphered ? t("see.ciphered") : "") + ".";
}

// Which pins the plug needs, as far as the operator is known.
function pins() {
  const ports = (chosen.operator?.interfaces ?? []).map((one) => one.port);
  if (!ports.length) return t("meter.pins");
  return [...new Set(ports.map(({ connector, pins }) => {
    const numbers = Object.entries(pins).map(([signal, pin]) => `Pin\u00a0${pin} (${signal === "-" ? "\u2212" : signal})`);
    return [LINES[connector] ? t(LINES[connector]) : connector, ...numbers].join(", ");
  }))].join("; ");
}

/** The live state of the meter as an element, with `.close()`; `also` is called at every news. */
export function meterState(also = () => {}) {
  const lamp = h("span", { class: "lamp", "aria-hidden": "true" });
  const text = h("p");
  const what = h("p");
  const hint = h("p", { class: "quiet small" });
  const element = h("div", { class: "seen" }, lamp, h("div", { class: "tight", role: "status" }, text, what, hint));
  element.close = feed.follow(() => {
    const now = see();
    element.dataset.tone = now.tone;
    for (const [part, words] of [[text, now.text], [what, now.what ?? ""], [hint, now.hint]]) {
      if (part.textContent !== words) part.textContent = words;
      part.hidden = !words;
    }
    also();
  });
  return element;
}

/** A choice of grid operators, and what is known of the one chosen; `told()` is called at every other. */
export function operatorChoice(told = () => {}) {
  const id = unique();
  let saved; // the operator in the dongle's settings, undefined if those have none
  const way = h("div", { class: "stack", "aria-live": "polite" });
  const select = h("select", { id: `${id}s`, "aria-describedby": `${id}h`, onchange: () => take(select.value) },
    h("option", { value: "" }, t("meter.operator.none")));
  const element = h("div", { class: "stack" },
    h("div", { class: "field" }, h("label", { for: `${id}s` }, t("meter.operator")), select,
      h("p", { class: "hint", id: `${id}h` }, t("meter.operator.hint"))), way);

  async function take(operator) {
    const before = chosen.operator?.id ?? saved;
    chosen.operator = null;
    put(way);
    told();
    // Remembered, so that the next browser knows it too; and not at all important.
    if (saved !== undefined && operator !== before) {
      send("/api/settings", { meter: { operator } }).then(() => { saved = operator; }, () => {});
    }
    if (!operator) return;
    const { error, ...found } = await get(`/api/operators/${operator}?lang=${language()}`).catch((error) => ({ error }));
    if (select.value !== operator) return; // another one was chosen meanwhile
    if (error) return put(way, h("p", { class: "problem" }, sentence("error", error.code)));
    chosen.operator = found;
    put(way, instructions(found));
    told();
  }

  async function load() {
    saved = (await get("/api/settings")).meter?.operator;
    const { operators } = await get("/api/operators");
    const lands = new Map();
    const nation = new Intl.DisplayNames([language()], { type: "region" });
    for (const { id, name, country } of operators) {
      if (!lands.has(country)) {
        lands.set(country, h("optgroup", { label: country ? nation.of(country) : "…" }));
        select.append(lands.get(country));
      }
      lands.get(country).append(h("option", { value: id }, name));
    }
    select.value = chosen.operator?.id ?? saved ?? "";
    await take(select.value); // in the language of now
  }
  load().catch(() => { element.hidden = true; }); // nothing is lost: it is only for instructions
  return element;
}

function instructions({ keys, steps, wait, interfaces, confirmed }) {
  const id = unique();
  const ports = [...new Map(interfaces.map((one) => [one.port.text, one])).values()];
  return [
    ports.length > 0 && h("div", { class: "tight" }, h("p", { class: "label" }, t("meter.port")),
      ports.map((one) => h("p", null, ports.length > 1 && h("strong", null, one.meters, ": "), one.port.text))),
    h("div", { class: "tight" }, h("p", { class: "label", id }, t(keys ? "meter.way.1" : "meter.way.0")),
      h("ol", { class: "way", "aria-labelledby": id }, steps.map((step) => h("li", null, step))),
      !confirmed && h("p", { class: "small quiet" }, t("meter.way.unsure"))),
    h("div", { class: "note", "data-tone": "wait" }, h("p", null, h("strong", null, wait)), keys > 0 && h("p", null, t("meter.tomorrow"))),
  ];
}
