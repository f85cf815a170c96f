/* The time zone: Europe's by their cities, any other as POSIX writes it. */

import { field, h, unique } from "./dom.js";
import { t } from "./text.js";

const ZONES = {
  "<-01>1<+00>,M3.5.0/0,M10.5.0/1": "Ponta Delgada",
  GMT0: "Reykjavík",
  "GMT0BST,M3.5.0/1,M10.5.0": "London",
  "IST-1GMT0,M10.5.0,M3.5.0/1": "Dublin",
  "WET0WEST,M3.5.0/1,M10.5.0": "Lisboa, Las Palmas",
  "CET-1CEST,M3.5.0,M10.5.0/3": "Wien, Berlin, Zürich, Paris, Roma, Madrid, Oslo, Warszawa, Budapest, Zagreb",
  "EET-2EEST,M3.5.0/3,M10.5.0/4": "Helsinki, Vilnius, București, Sofia, Athína, Kyjiv",
  "EET-2EEST,M3.5.0,M10.5.0/3": "Chișinău",
  "<+03>-3": "İstanbul",
};

/** A choice, and a field for what is not among it; `.value()` is what is to be saved. */
export function zoneField(name, label, value) {
  const id = unique();
  const text = field(t("zone.text"), { name: `${name}-text`, value, autocapitalize: "off", spellcheck: "false", autocomplete: "off" });
  const select = h("select", { id, name, "aria-describedby": `${id}h`, onchange: () => { text.hidden = select.value !== ""; } },
    Object.entries(ZONES).map(([zone, cities]) => h("option", { value: zone, selected: zone === value }, cities)),
    h("option", { value: "", selected: !(value in ZONES) }, t("zone.other")));
  text.hidden = value in ZONES;
  const box = h("div", { class: "stack" }, h("div", { class: "field" }, h("label", { for: id }, label), select,
    h("p", { class: "hint", id: `${id}h` }, t("zone.hint"))), text);
  box.input = select;
  box.value = () => select.value || text.input.value.trim();
  box.blame = (problem) => {
    select.value = "";
    text.hidden = false;
    text.blame(problem);
  };
  return box;
}
