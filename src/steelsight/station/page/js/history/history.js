/** The history: search, the log as a file, counts over time, score drift. */

import * as api from "../lib/api.js";
import { h, notice } from "../lib/dom.js";
import { makeFilters } from "./filters.js";
import { downloadLink } from "../lib/download_link.js";
import { openInspection } from "../viewer/inspection_dialog.js";
import { CHANNELS, flagOf, foundIn, isReadable, probabilityOf, saidBy, verdictOf, when } from "../lib/summary.js";
import { messageOf } from "../lib/errors.js";
import { alarmOf, countPanel, driftPanel } from "./trends.js";

/**
 * @import { Bucket, Drift, Inspector, Summary } from "../lib/answers.js"
 * @import { Child } from "../lib/dom.js"
 * @import { Context } from "../main.js"
 * @import { Counted } from "./trends.js"
 */

const PAGE = 25;
const DAY = 86_400_000;
const FEW_DAYS = 3; // up to which counts are per hour
const SHOWN_DAYS = 30; // counted where no date is chosen
const NARROWEST = 280; // CSS pixels of a chart
const WIDEST = 1000;

/** Show the view; see main.js. @param {HTMLElement} element @param {Context} context */
export function open(element, { card, keys }) {
  const history = new History(element, card);
  keys("/", "search by name", () => history.filters.name.focus());
  keys("o", "older inspections", () => history.older.click());
  void history.reload();
  return () => history.leave();
}

class History {
  turn = 0; // answers to earlier questions are dropped
  counting = 0; // likewise, of counts
  /** @type {string|null} */
  cursor = null;
  /** Inspections in the list. @type {Summary[]} */
  found = [];
  /** @type {Counted|null} */
  counted = null;
  /** @type {Drift|null} */
  drifted = null;
  /** What the charts show, and how wide. @type {{counted: Counted|null, drifted: Drift|null, width: number}|null} */
  drawn = null;

  /** @param {HTMLElement} element @param {Inspector} card */
  constructor(element, card) {
    this.card = card;
    this.filters = makeFilters(card, () => this.reload());
    this.per = h("select", { "aria-label": "Counts per", onchange: () => this.count() },
      h("option", { value: "" }, "per hour or day"),
      h("option", { value: "hour" }, "per hour"),
      h("option", { value: "day" }, "per day"));
    this.counts = h("div");
    this.drift = h("div");
    this.files = h("p", { class: "downloads" });
    this.message = h("div", { class: "told" });
    this.alarm = h("div");
    this.rows = h("tbody");
    this.table = table(this.rows);
    this.heading = h("h2", {}, "Counts over time");
    this.older = h("button", { type: "button", hidden: true, title: "(o)", onclick: () => this.more() }, "Older");
    element.append(
      h("h1", {}, "History"),
      this.message,
      this.alarm,
      h("details", { class: "trends", open: matchMedia("(min-width: 44rem)").matches, ontoggle: () => this.draw() },
        h("summary", {}, "Counts and score drift"),
        h("div", {},
          h("section", {}, h("div", { class: "heading" }, this.heading, this.per), this.counts),
          h("section", {}, h("h2", {}, "Score drift"), this.drift))),
      this.filters.element,
      h("section", { class: "found", "aria-label": "Inspections" }, h("div", { class: "scroll" }, this.table), this.older, this.files));
    this.observer = new ResizeObserver(() => this.draw());
    this.observer.observe(element);
  }

  leave() {
    this.turn = -1;
    this.observer.disconnect();
  }

  reload() {
    this.message.replaceChildren();
    this.links();
    return this.more(true, Promise.all([this.count(), this.measure()]));
  }

  /**
   * The next page of inspections, or the first. Rows come after what stands above them, whose height is not known before:
   * else they would move away from under a pointer that presses on one.
   * @param {boolean} first @param {Promise<unknown>|null} above settled once that is there, or has failed and said so.
   */
  async more(first = false, above = null) {
    const turn = first ? ++this.turn : this.turn;
    const { cursor } = this;
    if (!first && cursor === null) return; // the key answers where the button is hidden, too
    const asked = this.filters.fields();
    await this.trying(async () => {
      const [{ inspections, next }] = await Promise.all([
        api.find({ ...asked, limit: PAGE, cursor: first ? null : cursor }),
        above,
      ]);
      if (turn !== this.turn || (!first && cursor !== this.cursor)) return; // asked twice: listed once
      if (first) this.found = [];
      if (first) this.rows.replaceChildren();
      const from = this.found.length;
      this.found.push(...inspections);
      this.rows.append(...inspections.map((inspection, index) => this.row(inspection, from + index)));
      if (!this.found.length) this.rows.append(h("tr", {}, h("td", { class: "none soft", colspan: 8 }, this.nothing())));
      this.cursor = next;
      this.older.hidden = next === null;
      this.older.textContent = asked.order === "newest" ? "Older" : "More";
    });
  }

  /** Why the list is empty, and where to go. @returns {Child} */
  nothing() {
    if (api.query({ ...this.filters.fields(), order: null })) {
      return ["No entry matches. ", h("button", { type: "button", class: "link", onclick: () => this.filters.element.reset() }, "Clear the filters")];
    }
    return ["Nothing was inspected here yet. ", h("a", { href: "#inspect" }, "Drop images, or try the sample")];
  }

  /** @param {Summary} inspection @param {number} index in the list. */
  row(inspection, index) {
    const link = h("button", { type: "button", class: "link", onclick: () => this.look(index) }, inspection.name);
    const review = h("a", { href: `#review/${inspection.id}` }, saidBy(inspection.review) ?? "review it");
    /** @param {string} label @param {...Child} content */
    const cell = (label, ...content) => h("td", { "data-label": label }, ...content);
    return h("tr", { "data-id": inspection.id },
      h("th", { scope: "row" }, isReadable(inspection) ? link : inspection.name),
      cell("When", when(inspection.at)),
      cell("Verdict", h("span", { class: "marks" }, verdictOf(inspection), flagOf(inspection))),
      cell("P(defect)", probabilityOf(inspection)),
      cell("Found", inspection.error ?? foundIn(inspection)),
      cell("Channel", CHANNELS[inspection.door]),
      cell("Station", inspection.station),
      cell("Reviewed", review));
  }

  /** Open an inspection in the viewer, with the others of the list before and after it. @param {number} index */
  look(index) {
    const readable = this.found.filter(isReadable);
    openInspection(this.card, {
      length: readable.length,
      at: readable.findIndex(({ id }) => id === this.found[index].id),
      get: async (at) => ({ inspection: await api.inspection(readable[at].id) }),
      left: (at) => {
        /** @type {HTMLButtonElement|null} */
        const button = this.rows.querySelector(`[data-id="${readable[at].id}"] button`);
        button?.focus();
      },
    });
  }

  async count() {
    const turn = ++this.counting;
    await this.trying(async () => {
      const { since, until } = this.filters.dates();
      const dates = { since, until, station: this.filters.station() };
      if (!since && !until) dates.since = new Date(Date.now() - SHOWN_DAYS * DAY).toISOString();
      /** @type {"hour"|"day"} */
      let per = this.per.value === "hour" ? "hour" : "day";
      let statistics = await api.statistics({ ...dates, per });
      if (!this.per.value && lasts(statistics.buckets) <= FEW_DAYS) {
        per = "hour";
        statistics = await api.statistics({ ...dates, per });
      }
      if (turn !== this.counting) return;
      const span = since || until ? "on the chosen dates" : `in the last ${SHOWN_DAYS} days`;
      const { stations } = statistics;
      const several = stations.length > 1 || dates.station !== "";
      this.filters.offer(stations);
      this.table.classList.toggle("of-several", several);
      const scope = several ? dates.station || `all ${stations.length} stations` : "";
      this.heading.textContent = scope ? `Counts over time: ${scope}` : "Counts over time";
      this.counted = { statistics, per, span: scope ? `${span}, ${scope}` : span };
      this.draw();
    });
  }

  async measure() {
    await this.trying(async () => {
      this.drifted = await api.drift();
      this.alarm.replaceChildren(...alarmOf(this.drifted));
      this.draw();
    });
  }

  /** Charts as wide as their places. */
  draw() {
    const width = Math.max(NARROWEST, Math.min(WIDEST, this.counts.clientWidth));
    const { counted, drifted } = this;
    const { drawn } = this;
    const wide = drawn?.width === width;
    if (counted && (drawn?.counted !== counted || !wide)) this.counts.replaceChildren(countPanel(counted, width));
    if (drifted && (drawn?.drifted !== drifted || !wide)) this.drift.replaceChildren(driftPanel(drifted, width));
    this.drawn = { counted, drifted, width };
  }

  links() {
    const asked = api.query({ ...this.filters.fields(), order: null }); // a file has one order
    /** @param {unknown} error */
    const failed = (error) => this.say(error);
    this.files.replaceChildren(
      "The filtered entries as a file: ",
      downloadLink(this.card, `/log.csv${asked}`, "log.csv", "CSV", failed),
      downloadLink(this.card, `/log.parquet${asked}`, "log.parquet", "Parquet", failed));
  }

  /** @param {() => Promise<void>} work */
  async trying(work) {
    try {
      await work();
    } catch (error) {
      this.say(error, () => this.reload());
    }
  }

  /** @param {unknown} error @param {(() => unknown)|null} again */
  say(error, again = null) {
    this.message.replaceChildren(notice(messageOf(error), "error", again));
  }
}

/** Days from the first to the last bucket of a day. @param {Bucket[]} buckets */
function lasts(buckets) {
  const starts = buckets.map(({ start }) => Date.parse(start));
  return buckets.length ? (Math.max(...starts) - Math.min(...starts)) / DAY + 1 : Infinity;
}

/** @param {HTMLElement} rows */
function table(rows) {
  const names = ["Image", "When", "Verdict", "P(defect)", "Found", "Channel", "Station", "Review"];
  const head = h("thead", {}, h("tr", {}, names.map((name) => h("th", { scope: "col", "data-label": name }, name))));
  return h("table", { class: "inspections" }, head, rows);
}
