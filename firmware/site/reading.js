/* What a reading says: which OBIS codes are the power, the phases, the meter readings. */

import { decimal, shift, subtract } from "./decimal.js";

const KILO = { W: 0, kW: 3, MW: 6, Wh: -3, kWh: 0, MWh: 3 };

/**
 * All values as a flat list of {code, group, value, unit, at}: code "1-0:1.8.0", group "1.8.0" if it
 * is electricity, value text or null. What came several times is there several times.
 */
export function flatten(values, at) {
  const list = [];
  for (const [code, entry] of Object.entries(values ?? {})) {
    const group = /^1-\d+:(\d+\.\d+\.\d+)$/.exec(code)?.[1] ?? null;
    for (const { value, unit } of entry.values ?? [entry]) {
      list.push({ code, group, value: value ?? null, unit: unit ?? "", at });
    }
  }
  return list;
}

/**
 * The latest of every value. Some meters send a short and a long list in turn, so each value has its
 * own age. `limit`: ms after which a value that passes (not a meter reading) counts as missing.
 */
export class Values {
  constructor() {
    this.latest = new Map(); // code -> list, as flatten gives
  }

  take(reading, at) {
    const fresh = new Map();
    for (const one of flatten(reading.values, at)) {
      if (!fresh.has(one.code)) fresh.set(one.code, []);
      fresh.get(one.code).push(one);
    }
    for (const [code, list] of fresh) this.latest.set(code, list);
  }

  all() {
    return [...this.latest.values()].flat();
  }

  /** The value of a group ("1.7.0") not older than `since` (ms), null if there is none. */
  find(group, since = 0) {
    for (const list of this.latest.values()) {
      if (list[0].group === group && list[0].value !== null && list[0].at >= since) return list[0];
    }
    return null;
  }

  /** A group in W, or for energies in kWh, as a decimal; null if it is missing or has no unit. */
  exact(group, since) {
    const found = this.find(group, since);
    const number = found && found.unit in KILO ? decimal(found.value) : null;
    return number && shift(number, KILO[found.unit]);
  }

  /** Power from the grid less power to the grid, W; never a difference of different telegrams. */
  net(since, plus = "1.7.0", minus = "2.7.0", both = "16.7.0") {
    const sum = this.exact(both, since);
    const from = this.exact(plus, since);
    const to = this.exact(minus, since);
    if (from && to && this.find(plus).at === this.find(minus).at) return subtract(from, to);
    if (sum) return sum;
    // A short list may have only one of them: where it is not 0, the other one is.
    if (from && (from.digits || !this.find(minus))) return from;
    if (to && (to.digits || !this.find(plus))) return subtract({ digits: 0n, places: 0 }, to);
    return null;
  }

  /** [{name: "L1", voltage, current, power}], decimals or null; only phases the meter has ever told of. */
  phases(since) {
    const groups = [["L1", 20], ["L2", 40], ["L3", 60]];
    return groups.map(([name, base]) => ({
      name,
      known: [1, 2, 11, 12, 16].some((c) => this.find(`${base + c}.7.0`)),
      voltage: this.number(`${base + 12}.7.0`, "V", since),
      current: this.number(`${base + 11}.7.0`, "A", since),
      power: this.net(since, `${base + 1}.7.0`, `${base + 2}.7.0`, `${base + 16}.7.0`),
    })).filter((phase) => phase.known);
  }

  number(group, unit, since) {
    const found = this.find(group, since);
    return found && found.unit === unit ? decimal(found.value) : null;
  }

  /** Active energies as the meter shows them: [{group, number (kWh), at}]. */
  energies() {
    const list = this.all().filter((one) => /^[12]\.8\.\d+$/.test(one.group) && one.value !== null);
    return list.map((one) => ({ ...one, number: this.exact(one.group) })).filter((one) => one.number)
      .sort((a, b) => (a.group < b.group ? -1 : 1));
  }
}
