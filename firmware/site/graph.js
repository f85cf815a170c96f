/* The last five minutes of power, drawn by uPlot. Loaded when the numbers already stand. */
/*! uPlot: Copyright (c) 2025 Leon Sorokin, MIT License, https://github.com/leeoniya/uPlot */

import uPlot from "uplot";

const SPAN = 300; // s
const STEP = 60; // s between the marks of the time axis

/**
 * A graph in `box` (an element that has a size). labels: {power, now, minutes(n), watt(number)}.
 * Returns {draw(samples, now), close()}; samples as in feed, `now` in ms.
 *
 * Nothing is made up between two telegrams: a value holds until the next one, as a step, and where
 * telegrams are missing nothing is drawn.
 */
export function graph(box, labels) {
  const look = getComputedStyle(box);
  const colour = (name) => look.getPropertyValue(name).trim();
  let now = Date.now() / 1000;

  // Above zero in the colour of import, below in that of export.
  function split(chart, alpha) {
    const { ctx, bbox } = chart;
    const zero = (chart.valToPos(0, "y", true) - bbox.top) / bbox.height;
    const at = Math.min(1, Math.max(0, Number.isFinite(zero) ? zero : 1));
    const gradient = ctx.createLinearGradient(0, bbox.top, 0, bbox.top + bbox.height);
    gradient.addColorStop(at, colour("--import") + alpha);
    gradient.addColorStop(at, colour("--export") + alpha);
    return gradient;
  }

  const axis = () => ({
    stroke: () => colour("--quiet"), font: `12px ${look.fontFamily}`,
    grid: { stroke: () => colour("--line"), width: 1 }, ticks: { show: false },
  });
  // On a phone there is room for every other one.
  const mark = (n, narrow) => (n === 0 ? labels.now : n === 5 || (narrow && n % 2) ? "" : labels.minutes(n));
  const size = () => ({ width: box.clientWidth, height: box.clientHeight });
  const chart = new uPlot({
    ...size(),
    padding: [8, 18, 0, 0],
    legend: { show: false },
    cursor: { show: false },
    select: { show: false },
    scales: {
      x: { time: false, range: () => [now - SPAN, now] },
      y: { range: (_, low, high) => bounds(low, high) },
    },
    axes: [
      { ...axis(), size: 28, grid: { show: false },
        splits: () => [5, 4, 3, 2, 1, 0].map((n) => now - n * STEP),
        values: (chart, splits) => splits.map((_, i) => mark(5 - i, chart.width < 480)) },
      { ...axis(), size: 66, values: (_, splits) => splits.map(labels.watt) },
    ],
    series: [
      {},
      { label: labels.power, width: 2, spanGaps: false, paths: uPlot.paths.stepped({ align: 1 }),
        points: { show: (_, __, from, to) => to - from < 2 },
        stroke: (chart) => split(chart, ""), fill: (chart) => split(chart, "2b"), fillTo: 0 },
    ],
  }, [[], []], box);
  const resized = new ResizeObserver(() => chart.setSize(size()));
  resized.observe(box);
  return {
    draw(samples, at) {
      now = at / 1000;
      chart.setData([samples.map((one) => one.at / 1000), samples.map((one) => one.watt)]);
    },
    close() {
      resized.disconnect();
      chart.destroy();
    },
  };
}

// Zero is always in the picture, and a steady 3 W does not look like a mountain.
function bounds(low, high) {
  const bottom = Math.min(0, low ?? 0);
  const top = Math.max(0, high ?? 0);
  const room = Math.max((top - bottom) * 0.12, 10);
  return [bottom && bottom - room, top || !bottom ? top + room : 0];
}
