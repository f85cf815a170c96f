/* The pages' language: the browser's, until the owner chooses another one. */

import de from "./de.js";
import en from "./en.js";

const TEXTS = { de, en };
const MARKS = { de: { point: ",", group: "\u202f" }, en: { point: ".", group: "," } };

let chosen = remembered() ?? (navigator.languages ?? [navigator.language])
  .map((one) => one.slice(0, 2)).find((one) => one in TEXTS) ?? "en";

function remembered() {
  try {
    const found = localStorage.getItem("language");
    return found in TEXTS ? found : null;
  } catch {
    return null; // a captive portal's window may have no storage
  }
}

export const language = () => chosen;
export const marks = () => MARKS[chosen];

export function choose(name) {
  chosen = name;
  try {
    localStorage.setItem("language", name);
  } catch {
    // then it lasts as long as the page
  }
}

/** The text of that name, {placeholders} filled from `values`. */
export function t(name, values = {}) {
  const text = TEXTS[chosen][name];
  if (text === undefined) return name;
  return text.replace(/\{(\w+)\}/g, (whole, key) => values[key] ?? whole);
}

export const has = (name) => name in TEXTS[chosen];

/** The sentence for a code, e.g. of kind "error"; one for all where nobody wrote one. */
export function sentence(kind, code, values) {
  return has(`${kind}.${code}`) ? t(`${kind}.${code}`, values) : t(`${kind}.?`, { ...values, code });
}

/** "3 s", "2 min", "5 h": how long ago, or how often. */
export function duration(ms) {
  const seconds = Math.round(ms / 1000);
  if (seconds < 100) return `${seconds}\u00a0s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)}\u00a0min`;
  if (seconds < 129_600) return `${Math.round(seconds / 3600)}\u00a0h`;
  return t("days", { n: Math.round(seconds / 86_400) });
}
