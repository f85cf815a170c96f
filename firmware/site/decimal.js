/* Exact decimals. A meter reading is never a float: 12345678.901 kWh must come out as it went in. */

/** {digits: BigInt, places: number of decimals} from text such as "-12.50" or "1e3"; null if it is no number. */
export function decimal(text) {
  const found = /^([+-]?\d+)(?:\.(\d+))?(?:[eE]([+-]?\d{1,2}))?$/.exec(text ?? "");
  if (!found) return null;
  const [, whole, fraction = "", exponent = "0"] = found;
  return shift({ digits: BigInt(whole + fraction), places: fraction.length }, Number(exponent));
}

/** number * 10**power */
export function shift(number, power) {
  const places = number.places - power;
  if (places >= 0) return { digits: number.digits, places };
  return { digits: number.digits * 10n ** BigInt(-places), places: 0 };
}

export function subtract(a, b) {
  const places = Math.max(a.places, b.places);
  const scaled = (number) => number.digits * 10n ** BigInt(places - number.places);
  return { digits: scaled(a) - scaled(b), places };
}

/** With at most `places` decimals; halves away from zero. */
export function round(number, places) {
  if (number.places <= places) return number;
  const step = 10n ** BigInt(number.places - places);
  const half = number.digits < 0n ? -step / 2n : step / 2n;
  return { digits: (number.digits + half) / step, places };
}

/** Text with the language's marks: 6 762,463 or 6,762.463; every decimal is kept. */
export function format(number, { point, group }) {
  const negative = number.digits < 0n;
  const digits = String(negative ? -number.digits : number.digits).padStart(number.places + 1, "0");
  const whole = digits.slice(0, digits.length - number.places);
  const fraction = digits.slice(digits.length - number.places);
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, group);
  return (negative ? "\u2212" : "") + grouped + (fraction ? point + fraction : "");
}

/** As a float: only for drawing. */
export const approximate = (number) => Number(number.digits) / 10 ** number.places;

/** JSON.parse, but numbers come as the text that they were sent as. */
export function parseExactly(json) {
  const token = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;
  return JSON.parse(json.replace(token, (found) => (found[0] === '"' ? found : `"${found}"`)));
}
