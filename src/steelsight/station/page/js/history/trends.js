/** What the line does over time: counts, shares of the verdicts, and how far its scores are from the evidence's. */
import { cumulativeCurves, shareBar, stackedBars } from "../lib/charts.js";
import { h } from "../lib/dom.js";
import { count, whole } from "../lib/format.js";

/**
 * @import { Bucket, Drift, Statistics } from "../lib/answers.js"
 * @import { Bar } from "../lib/charts.js"
 */

/**
 * Counts as GET /statistics answers, as they were asked for, and the time in words.
 * @typedef {{ statistics: Statistics, per: "hour"|"day", span: string }} Counted
 */

const MOST_BARS = 60;
const HOUR = 3_600_000;
/** @type {{ key: "pass"|"review"|"reject"|"none"|"unreadable", name: string }[]} */
const KINDS = [
  { key: "pass", name: "pass" },
  { key: "review", name: "review" },
  { key: "reject", name: "reject" },
  { key: "none", name: "no verdict" },
  { key: "unreadable", name: "unreadable" },
];

/**
 * Counts per hour or day, and the verdicts' shares of them.
 * @param {Counted} counted @param {number} width in CSS pixels.
 */
export function countPanel({ statistics, per, span }, width) {
  const { totals } = statistics;
  const all = KINDS.reduce((sum, { key }) => sum + totals[key], 0);
  if (!all) return h("p", { class: "soft" }, `Nothing was inspected ${span}.`);
  const { bars, each } = joined(statistics.buckets, per);
  const word = per === "hour" ? "hour" : "day (UTC)";
  return h(
    "div",
    { class: "trend" },
    stackedBars({
      title: each === 1 ? `Images per ${word}` : `Images per ${each} ${per === "hour" ? "hours" : "days (UTC)"}`,
      bars,
      kinds: KINDS,
      unit: "images",
      width,
    }),
    shareBar({
      title: `Verdicts of ${count(all, "image")} ${span}`,
      parts: KINDS.map((kind) => ({ ...kind, count: totals[kind.key] })),
      unit: "images",
      width,
    }),
    h(
      "p",
      { class: "soft" },
      `${whole(statistics.reviewed)} reviewed; ${whole(statistics.waiting)} with verdict review wait for a person; `,
      `${whole(totals.flagged)} flagged as unusual.`,
    ),
  );
}

/** The alarm in words, where there is one. @param {Pick<Drift, "alarm"|"sentence">} drift */
export function alarmOf({ alarm, sentence }) {
  return alarm ? [h("p", { class: "notice error", role: "alert" }, h("strong", {}, "Score drift: "), sentence)] : [];
}

/** The line's scores against the evidence's. @param {Drift} drift @param {number} width in CSS pixels. */
export function driftPanel(drift, width) {
  if (!drift.known) return h("p", { class: "soft" }, drift.sentence);
  return h(
    "div",
    { class: "trend" },
    drift.alarm ? null : h("p", {}, drift.sentence),
    cumulativeCurves({
      title: `Scores of the line's last ${drift.images} images, and of the test images`,
      summary: drift.sentence,
      edges: drift.edges,
      line: drift.line,
      expected: drift.evidence,
      limit: drift.limit,
      names: {
        line: `${drift.station}, ${drift.images} images`,
        expected: "the inspector's test images, mixed to the line's share of defects",
        limit: `no alarm within ± ${drift.limit.toFixed(3)}`,
      },
      axis: "P(defect)",
      width,
    }),
  );
}

/**
 * Buckets from the first to the last without gaps, neighbours joined where there are too many to be told apart.
 * @param {Bucket[]} buckets one at least. @param {"hour"|"day"} per
 * @returns {{bars: Bar[], each: number}} each: hours or days of a bar.
 */
export function joined(buckets, per) {
  const length = per === "hour" ? HOUR : 24 * HOUR;
  const starts = buckets.map((bucket) => Date.parse(bucket.start));
  const [first, last] = [Math.min(...starts), Math.max(...starts)];
  const each = Math.ceil(((last - first) / length + 1) / MOST_BARS);
  const number = Math.floor((last - first) / (length * each)) + 1;
  const bars = Array.from({ length: number }, (_, index) => ({
    ...named(first + index * length * each, per, each),
    values: Object.fromEntries(KINDS.map(({ key }) => [key, 0])),
  }));
  buckets.forEach((bucket, index) => {
    const { values } = bars[Math.floor((starts[index] - first) / (length * each))];
    for (const { key } of KINDS) values[key] += bucket[key];
  });
  return { bars, each };
}

/** @param {number} start ms since 1970. @param {"hour"|"day"} per @param {number} each hours or days of the bar. */
function named(start, per, each) {
  const at = new Date(start);
  if (per === "hour") {
    const hour = at.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });
    const full = at.toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "short" });
    return { label: hour, full: each === 1 ? full : `${each} hours from ${full}` };
  }
  const full = at.toLocaleDateString("en-GB", { dateStyle: "medium", timeZone: "UTC" });
  const label = at.toLocaleDateString("en-GB", { day: "numeric", month: "short", timeZone: "UTC" });
  return { label, full: each === 1 ? full : `${each} days from ${full}` };
}
