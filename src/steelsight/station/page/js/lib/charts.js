/**
 * Small charts: SVG that a screen reader reads as its title and summary, with the same numbers in a table below. `width` is
 * that of the place in CSS pixels, so that words keep their size.
 */
import { h, nodesOf } from "./dom.js";
import { percent as share } from "./format.js";

/** @import { Child } from "./dom.js" */

/** @typedef {{ key: string, name: string }} Kind a mark of it has the class `mark-<key>` */
/** @typedef {{ label: string, full: string, values: Record<string, number> }} Bar `full` names it in the table and when pointed at */
/** @typedef {Kind & { count?: number, total?: number, stroke?: boolean }} LegendEntry */
/** @typedef {{ head: string[], rows: (string|number)[][] }} Table */

let made = 0; // ids of titles must not repeat on the page

/**
 * Bars of stacked counts.
 * @param {{ title: string, bars: Bar[], kinds: Kind[], unit: string, width?: number }} given bars from left to right, kinds
 *   from the bottom upwards.
 */
export function stackedBars({ title, bars, kinds, unit, width = 720 }) {
  const [height, left, bottom, top] = [200, 40, 24, 8];
  const sums = bars.map((bar) => kinds.reduce((sum, kind) => sum + bar.values[kind.key], 0));
  const ticks = roundTicks(Math.max(1, ...sums));
  const scale = (height - bottom - top) / ticks[ticks.length - 1];
  const step = (width - left) / Math.max(1, bars.length);
  const room = Math.ceil(bars.length / Math.floor((width - left) / 80)); // labels that fit side by side
  const groups = bars.map((bar, index) => {
    const x = left + index * step;
    const pieces = [];
    let y = height - bottom;
    for (const kind of kinds) {
      const tall = bar.values[kind.key] * scale;
      y -= tall;
      const wide = Math.max(1, Math.min(step * 0.84, 48));
      if (tall) {
        pieces.push(svg("rect", { x: x + (step - wide) / 2, y, width: wide, height: tall, class: `mark-${kind.key}` }));
      }
    }
    const counts = kinds.filter((kind) => bar.values[kind.key]).map((kind) => `${bar.values[kind.key]} ${kind.name}`);
    const label =
      index % room === 0
        ? svg("text", { x: x + step / 2, y: height - 6, class: "tick", "text-anchor": "middle" }, bar.label)
        : null;
    const whole = svg("rect", { x, y: top, width: step, height: height - bottom - top, class: "hover" });
    return svg("g", {}, svg("title", {}, `${bar.full}: ${counts.join(", ") || "nothing"}`), whole, pieces, label);
  });
  const total = sums.reduce((sum, value) => sum + value, 0);
  return figure({
    title,
    summary: `${total} ${unit} in ${bars.length} bars, ${Math.max(0, ...sums)} in the highest`,
    size: [width, height],
    marks: [...levels(ticks, { width, height, left, bottom }, scale), ...groups],
    legend: kinds.filter((kind) => bars.some((bar) => bar.values[kind.key])),
    table: {
      head: ["", ...kinds.map((kind) => kind.name)],
      rows: bars
        .filter((_, index) => sums[index])
        .map((bar) => [bar.full, ...kinds.map((kind) => bar.values[kind.key])]),
    },
  });
}

/**
 * One bar of shares of a whole.
 * @param {{ title: string, parts: (Kind & { count: number })[], unit: string, width?: number }} given
 */
export function shareBar({ title, parts, unit, width = 720 }) {
  const total = parts.reduce((sum, part) => sum + part.count, 0);
  const height = 34;
  let x = 0;
  const pieces = parts
    .filter((part) => part.count)
    .map((part) => {
      const wide = (part.count / total) * width;
      const middle = x + wide / 2;
      const rect = svg("rect", { x, y: 0, width: wide, height, class: `mark-${part.key}` });
      const words = percent(part.count, total);
      const text = svg("text", { x: middle, y: height / 2, class: `on-mark on-${part.key}` }, words);
      x += wide;
      const tip = svg("title", {}, `${part.name}: ${part.count} of ${total}, ${words}`);
      return svg("g", {}, tip, rect, wide > 48 ? text : null);
    });
  return figure({
    title,
    summary: parts.map((part) => `${part.name} ${percent(part.count, total)}`).join(", "),
    size: [width, height],
    marks: pieces,
    legend: parts.filter((part) => part.count).map((part) => ({ ...part, total })),
    table: {
      head: ["", unit, "share"],
      rows: parts.map((part) => [part.name, part.count, percent(part.count, total)]),
    },
    shape: "share",
  });
}

/**
 * Two cumulative curves over [0, 1], with a band of `limit` above and below the expected one.
 * @param {{
 *   title: string,
 *   summary: string,
 *   edges: number[],
 *   line: number[],
 *   expected: number[],
 *   limit: number,
 *   names: { line: string, expected: string, limit: string },
 *   axis: string,
 *   width?: number,
 * }} given edges: n + 1 ends of the bins; line and expected: n shares of scores up to the end of each bin.
 */
export function cumulativeCurves({ title, summary, edges, line, expected, limit, names, axis, width = 720 }) {
  const [height, left, bottom, top] = [260, 44, 40, 8];
  /** @type {(x: number, y: number) => [number, number]} */
  const at = (x, y) => [left + x * (width - left - 10), top + (1 - y) * (height - bottom - top)];
  /** @param {[number, number][]} points */
  const pathOf = (points) => points.map((point) => point.map((number) => number.toFixed(1)).join(",")).join(" ");
  /** @param {number[]} values */
  const curve = (values) => pathOf([at(edges[0], 0), ...values.map((value, index) => at(edges[index + 1], value))]);
  /** @param {number} value */
  const clamp = (value) => Math.min(1, Math.max(0, value));
  const upper = [at(edges[0], clamp(limit)), ...expected.map((v, i) => at(edges[i + 1], clamp(v + limit)))];
  const lower = [at(edges[0], 0), ...expected.map((v, i) => at(edges[i + 1], clamp(v - limit)))];
  const band = pathOf([...upper, ...lower.reverse()]);
  const ticks = [0, 0.25, 0.5, 0.75, 1];
  const grid = ticks.flatMap((tick) => {
    const [, y] = at(0, tick);
    const [x] = at(tick, 0);
    return [
      svg("line", { x1: left, x2: width - 10, y1: y, y2: y, class: "grid" }),
      svg("text", { x: left - 6, y: y + 4, class: "tick", "text-anchor": "end" }, `${100 * tick} %`),
      svg("text", { x, y: height - 22, class: "tick", "text-anchor": "middle" }, String(tick)),
    ];
  });
  const words = svg("text", { x: (left + width) / 2, y: height - 4, class: "tick", "text-anchor": "middle" }, axis);
  return figure({
    title,
    summary,
    size: [width, height],
    marks: [
      svg("polygon", { points: band, class: "curve-limit" }),
      ...grid,
      words,
      svg("polyline", { points: curve(expected), class: "curve curve-evidence" }),
      svg("polyline", { points: curve(line), class: "curve curve-line" }),
    ],
    legend: [
      { key: "line", name: names.line, stroke: true },
      { key: "evidence", name: names.expected, stroke: true },
      { key: "limit", name: names.limit },
    ],
    table: {
      head: [axis, names.line, names.expected],
      rows: line.map((value, index) => [
        `up to ${edges[index + 1].toFixed(2)}`,
        percent(value, 1),
        percent(expected[index], 1),
      ]),
    },
  });
}

/** A share in words, such as "12 %"; a dash of nothing. @param {number} part @param {number} whole */
export const percent = (part, whole) => (whole ? share(part / whole) : "–");

/**
 * A chart with its title, its legend and its table.
 * @param {{
 *   title: string,
 *   summary: string,
 *   size: [width: number, height: number],
 *   marks: (Node|null)[],
 *   legend: LegendEntry[],
 *   table: Table,
 *   shape?: string,
 * }} given
 */
function figure({ title, summary, size, marks, legend, table, shape = "chart" }) {
  const id = `chart-${++made}`;
  const picture = svg(
    "svg",
    { viewBox: `0 0 ${size[0]} ${size[1]}`, role: "img", "aria-labelledby": `${id}-title ${id}-words`, class: shape },
    svg("title", { id: `${id}-title` }, title),
    svg("desc", { id: `${id}-words` }, summary),
    ...marks,
  );
  /** @param {LegendEntry} entry */
  const key = (entry) =>
    h(
      "li",
      {},
      h("span", { class: `key ${entry.stroke ? "stroke " : ""}key-${entry.key}`, "aria-hidden": "true" }),
      entry.total ? `${entry.name} ${percent(entry.count ?? 0, entry.total)} (${entry.count})` : entry.name,
    );
  return h(
    "figure",
    { class: "chart-figure" },
    h("figcaption", {}, title),
    picture,
    h("ul", { class: "legend" }, legend.map(key)),
    asTable(title, table),
  );
}

/** @param {string} title @param {Table} table */
function asTable(title, { head, rows }) {
  /** @param {string|number} value @param {number} index */
  const cell = (value, index) => h(index ? "td" : "th", index ? {} : { scope: "row" }, String(value));
  const table = h(
    "table",
    {},
    h("caption", { class: "visually-hidden" }, title),
    h("thead", {}, h("tr", {}, head.map((name) => h("th", { scope: "col" }, name)))),
    h("tbody", {}, rows.map((row) => h("tr", {}, row.map(cell)))),
  );
  return h("details", {}, h("summary", {}, "As a table"), h("div", { class: "scroll" }, table));
}

/**
 * Lines across the chart, with the count that each stands for.
 * @param {number[]} ticks @param {{ width: number, height: number, left: number, bottom: number }} place
 * @param {number} scale CSS pixels of a count.
 */
function levels(ticks, { width, height, left, bottom }, scale) {
  return ticks.flatMap((tick) => {
    const y = height - bottom - tick * scale;
    return [
      svg("line", { x1: left, x2: width, y1: y, y2: y, class: "grid" }),
      svg("text", { x: left - 6, y: y + 4, class: "tick", "text-anchor": "end" }, String(tick)),
    ];
  });
}

/** Whole, round numbers from 0 to at least `most`, about four of them. @param {number} most at least 1. */
export function roundTicks(most) {
  const rough = most / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const factor = [1, 2, 5].find((times) => times * power >= rough) ?? 10;
  const step = Math.max(1, factor * power);
  return Array.from({ length: Math.ceil(most / step) + 1 }, (_, index) => index * step);
}

/**
 * As `h` of dom.js, for SVG.
 * @param {string} name @param {Record<string, string|number>} properties @param {...Child} children
 */
function svg(name, properties = {}, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(properties)) element.setAttribute(key, String(value));
  element.append(...nodesOf(children));
  return element;
}
