/** The history: search, counts over time, score drift, and the log as a file. */
import * as api from "./api.js";
import { makeFilters } from "./filters.js";
import { h } from "./dom.js";
import { downloadLink } from "./links.js";
import { countPanel, driftPanel } from "./trends.js";
import { foundIn, probabilityOf, saidBy, verdictOf, when } from "./summary.js";

const PAGE = 50;
const FEW_DAYS = 3; // up to which counts are per hour
const SHOWN_DAYS = 30; // counted where no date is chosen

/** Show the view; see main.js. */
export function open(element, { card }) {
  const view = new History(element, card);
  view.reload();
  return () => view.end();
}

class History {
  constructor(element, card) {
    this.card = card;
    this.request = 0; // answers to earlier requests are dropped
    this.filters = makeFilters(card, () => this.reload());
    this.per = h(
      "select",
      { "aria-label": "Counts per", onchange: () => this.count() },
      h("option", { value: "" }, "counts per day or hour"),
      h("option", { value: "day" }, "counts per day"),
      h("option", { value: "hour" }, "counts per hour"),
    );
    this.counts = h("div", { class: "counts", "aria-live": "polite" });
    this.drift = h("div", { class: "drift" });
    this.files = h("p", { class: "downloads" });
    this.message = h("p", { class: "message", role: "alert" });
    this.rows = h("tbody");
    this.older = h("button", { type: "button", onclick: () => this.more() }, "Older");
    this.element = element;
    element.replaceChildren(
      h("h2", {}, "History"),
      this.filters.element,
      this.message,
      h("section", { class: "results", "aria-label": "Inspections" }, table(this.rows), this.older, this.files),
      h("section", {}, h("h3", {}, "Counts over time"), this.per, this.counts),
      h("section", {}, h("h3", {}, "Score drift"), this.drift),
    );
    this.resized = new ResizeObserver(() => this.redraw());
    this.resized.observe(element);
  }

  end() {
    this.resized.disconnect();
    this.request = -1;
  }

  reload() {
    this.cursor = null;
    this.links();
    return Promise.all([this.more(true), this.count(), this.watchDrift()]);
  }

  /** The next page of inspections, or the first. */
  async more(first = false) {
    const request = first ? ++this.request : this.request;
    await this.trying(async () => {
      const fields = { ...this.filters.fields(), limit: PAGE, cursor: first ? null : this.cursor };
      const { inspections, next } = await api.find(fields);
      if (request !== this.request) return;
      if (first) this.rows.replaceChildren();
      this.rows.append(...inspections.map((inspection) => row(inspection)));
      if (!this.rows.children.length) this.rows.append(h("tr", {}, h("td", { colspan: 7 }, "Nothing was found.")));
      this.cursor = next;
      this.older.hidden = next === null;
      this.older.textContent = this.filters.fields().order === "newest" ? "Older" : "More";
    });
  }

  async count() {
    await this.trying(async () => {
      const dates = this.filters.dates();
      dates.since ??= new Date(Date.now() - SHOWN_DAYS * 86_400_000).toISOString();
      const days = (Date.parse(dates.until ?? new Date().toISOString()) - Date.parse(dates.since)) / 86_400_000;
      const per = this.per.value || (days <= FEW_DAYS ? "hour" : "day");
      this.counted = [await api.statistics({ ...dates, per }), per];
      this.redraw();
    });
  }

  async watchDrift() {
    await this.trying(async () => {
      this.drifted = await api.drift({});
      this.redraw();
    });
  }

  redraw() {
    const width = Math.max(280, Math.min(960, this.counts.clientWidth || 720));
    if (width === this.drawn?.width && this.counted === this.drawn.counted && this.drifted === this.drawn.drifted) return;
    this.drawn = { width, counted: this.counted, drifted: this.drifted };
    if (this.counted) this.counts.replaceChildren(countPanel(...this.counted, width));
    if (this.drifted) this.drift.replaceChildren(driftPanel(this.drifted, width));
  }

  links() {
    const { order, ...fields } = this.filters.fields();
    const asked = api.query(fields);
    const failed = (error) => this.say(error);
    this.files.replaceChildren(
      "All inspections that the filters leave, as a file: ",
      downloadLink(this.card, `/log.csv${asked}`, "log.csv", "CSV", failed),
      " ",
      downloadLink(this.card, `/log.parquet${asked}`, "log.parquet", "Parquet", failed),
    );
  }

  async trying(work) {
    try {
      this.message.textContent = "";
      await work();
    } catch (error) {
      this.say(error);
    }
  }

  say(error) {
    this.message.textContent = error.message;
  }
}

function table(rows) {
  const names = ["Image", "When", "Verdict", "P(defect)", "Found", "Door", "Reviewed"];
  const head = h("thead", {}, h("tr", {}, names.map((name) => h("th", { scope: "col" }, name))));
  return h("div", { class: "scroll" }, h("table", { class: "inspections" }, head, rows));
}

function row(inspection) {
  const link = h("a", { href: `#review/${inspection.id}` }, inspection.name);
  const flags = inspection.flags.map((flag) => h("span", { class: "flag", title: flag }, "unusual"));
  const cell = (label, ...content) => h("td", { "data-label": label }, ...content);
  return h(
    "tr",
    { "data-id": inspection.id },
    h("th", { scope: "row" }, link),
    cell("When", when(inspection.at)),
    cell("Verdict", verdictOf(inspection), " ", flags.slice(0, 1)),
    cell("P(defect)", probabilityOf(inspection)),
    cell("Found", inspection.error ?? foundIn(inspection)),
    cell("Door", inspection.door),
    cell("Reviewed", saidBy(inspection.review) ?? "not yet"),
  );
}
