/* QR codes (ISO/IEC 18004) for short addresses: byte mode, versions 1 to 5, level L (one block). */

import { svg } from "./dom.js";

// Codewords for data and for error correction, by version.
const VERSIONS = [null, [19, 7], [34, 10], [55, 15], [80, 20], [108, 26]];
const MASK = 0; // (row + column) even: any mask is valid, and addresses are short

/** An SVG of `text` (up to 106 bytes), always dark on white, with `label` for who cannot see it. */
export function qr(text, label) {
  const rows = matrix(text);
  const size = rows.length + 8; // four modules of white around it
  let path = "";
  rows.forEach((row, y) => row.forEach((dark, x) => {
    if (dark) path += `M${x + 4} ${y + 4}h1v1h-1z`;
  }));
  return svg("svg", { class: "qr", viewBox: `0 0 ${size} ${size}`, role: "img", "aria-label": label,
    "shape-rendering": "crispEdges" },
  svg("rect", { width: size, height: size, fill: "#fff" }), svg("path", { d: path, fill: "#000" }));
}

/** The code as rows of booleans, true is dark. */
export function matrix(text) {
  const bytes = [...new TextEncoder().encode(text)];
  const version = VERSIONS.findIndex((one) => one && bytes.length + 2 <= one[0]);
  if (version < 0) throw new RangeError("too long for a QR code here");
  const size = 17 + 4 * version;
  const cells = Array.from({ length: size }, () => Array(size).fill(null));
  drawPatterns(cells, size, version);
  drawFormat(cells, size);
  drawData(cells, size, codewords(bytes, ...VERSIONS[version]));
  return cells;
}

function codewords(bytes, capacity, corrections) {
  let bits = "0100" + binary(bytes.length, 8) + bytes.map((byte) => binary(byte, 8)).join("") + "0000";
  bits = bits.slice(0, 8 * capacity);
  const data = bits.match(/.{8}/g).map((eight) => parseInt(eight, 2));
  for (let pad = 0xec; data.length < capacity; pad ^= 0xec ^ 0x11) data.push(pad);
  return [...data, ...remainder(data, corrections)];
}

const binary = (value, width) => value.toString(2).padStart(width, "0");

// Multiplication in GF(256) modulo x^8 + x^4 + x^3 + x^2 + 1.
function times(a, b) {
  let product = 0;
  for (let i = 7; i >= 0; i--) {
    product = (product << 1) ^ ((product >> 7) * 0x11d);
    if ((b >> i) & 1) product ^= a;
  }
  return product;
}

// Reed-Solomon: the remainder of data by the product of (x - 2^i), i = 0 .. count - 1.
function remainder(data, count) {
  let generator = [1];
  for (let i = 0, root = 1; i < count; i++, root = times(root, 2)) {
    const next = [...generator, 0];
    generator.forEach((factor, k) => { next[k + 1] ^= times(factor, root); });
    generator = next;
  }
  const rest = [...data, ...Array(count).fill(0)];
  for (let i = 0; i < data.length; i++) {
    const factor = rest[i];
    generator.forEach((one, k) => { rest[i + k] ^= times(one, factor); });
  }
  return rest.slice(data.length);
}

function drawPatterns(cells, size, version) {
  for (let i = 8; i < size - 8; i++) cells[6][i] = cells[i][6] = i % 2 === 0;
  for (const [x, y] of [[3, 3], [size - 4, 3], [3, size - 4]]) {
    around(cells, x, y, 4, (distance) => distance !== 2 && distance !== 4);
  }
  if (version > 1) around(cells, size - 7, size - 7, 2, (distance) => distance !== 1);
}

function around(cells, x, y, radius, dark) {
  for (let dy = -radius; dy <= radius; dy++) {
    for (let dx = -radius; dx <= radius; dx++) {
      if (cells[y + dy]?.[x + dx] === undefined) continue;
      cells[y + dy][x + dx] = dark(Math.max(Math.abs(dx), Math.abs(dy)));
    }
  }
}

function drawFormat(cells, size) {
  const level = 1; // L
  const value = (level << 3) | MASK;
  let rest = value;
  for (let i = 0; i < 10; i++) rest = (rest << 1) ^ ((rest >> 9) * 0x537);
  const bits = ((value << 10) | rest) ^ 0x5412;
  const bit = (i) => ((bits >> i) & 1) === 1;
  for (let i = 0; i < 15; i++) {
    // First copy around the upper left finder; second along the other two.
    if (i < 6) cells[i][8] = bit(i);
    else if (i < 8) cells[i + 1][8] = bit(i);
    else if (i === 8) cells[8][7] = bit(i);
    else cells[8][14 - i] = bit(i);
    if (i < 8) cells[8][size - 1 - i] = bit(i);
    else cells[size - 15 + i][8] = bit(i);
  }
  cells[size - 8][8] = true;
}

function drawData(cells, size, data) {
  let at = 0;
  for (let right = size - 1; right > 0; right -= 2) {
    if (right === 6) right = 5; // the timing pattern's column
    for (let step = 0; step < size; step++) {
      const upwards = ((right + 1) & 2) === 0;
      const y = upwards ? size - 1 - step : step;
      for (const x of [right, right - 1]) {
        if (cells[y][x] !== null) continue;
        const bit = at < 8 * data.length && ((data[at >> 3] >> (7 - (at & 7))) & 1) === 1;
        at++;
        cells[y][x] = bit !== ((x + y) % 2 === 0);
      }
    }
  }
}
