/** The view for inspecting: drop images or pick them, see each result as it comes, open one in the viewer. */

import * as api from "../lib/api.js";
import { badge, h } from "../lib/dom.js";
import { droppedFiles, given } from "./dropped_files.js";
import { pictureOf } from "../viewer/decode_image.js";
import { ResultRow } from "./result_row.js";
import { openInspection } from "../viewer/inspection_dialog.js";
import { keyOf } from "../viewer/gauge.js";
import { Uploads } from "./uploads.js";
import { count, size, whole } from "../lib/format.js";
import { madeUpOf, tryWords } from "../lib/summary.js";

/**
 * @import { Inspection, Inspector, Region, Verdict } from "../lib/answers.js"
 * @import { AddKey } from "../lib/keyboard.js"
 * @import { Context } from "../main.js"
 * @import { Given } from "./dropped_files.js"
 */

/** How many results this tab has shown, for who loads the page anew. */
const SHOWN = "steelsight-shown";

const LOGGED = "The sample goes into the log like any other image.";

/** Results stay while one looks at another view: the element is made once. @type {Inspect|null} */
let kept = null;

window.addEventListener("beforeunload", (event) => {
  if (kept?.uploads.active) event.preventDefault(); // what waits would never be sent
});

/** Show the view; see main.js. @param {HTMLElement} element @param {Context} context */
export function open(element, { card, rest, keys, onCard }) {
  const inspect = (kept ??= new Inspect(card));
  inspect.renew();
  onCard(() => inspect.renew());
  element.append(inspect.element);
  if (rest === "try") {
    history.replaceState(null, "", "#inspect"); // a reload does not inspect them again
    if (!inspect.rows.length) inspect.addSample();
  }
  return inspect.listen(keys);
}

class Inspect {
  /** @type {ResultRow[]} */
  rows = [];

  /** @param {Inspector} card */
  constructor(card) {
    this.card = card;
    /** @type {Uploads<ResultRow>} */
    this.uploads = new Uploads({
      started: (row, file) => this.started(row, file),
      held: (row, why) => row.say(why),
      done: (row, inspection) => void this.done(row, inspection),
      failed: (row, error) => this.failed(row, error),
      away: () => this.count(),
    });
    /** @type {HTMLInputElement} */
    this.picker = h("input", { id: "files", type: "file", multiple: true, accept: "image/*,.tif,.tiff,.bmp", class: "unseen",
      onchange: () => { this.add(this.picker.files ?? []); this.picker.value = ""; } });
    this.list = h("ul", { class: "results", "aria-label": "Results" });
    this.tally = h("div", { class: "tally", role: "status", hidden: true });
    this.anew = this.loadedAnew();
    this.head = h("div");
    this.element = h("div", { class: "inspect empty" }, this.head, this.anew, this.tally, this.list);
  }

  /** What the card says, as it is now. */
  renew() {
    this.head.replaceChildren(this.dropZone(), ...madeUpOf(this.card));
    if (this.rows.length) this.count();
  }

  /** What to say where the page was loaded anew, which empties its list; nothing else. */
  loadedAnew() {
    const before = Number(sessionStorage.getItem(SHOWN));
    sessionStorage.removeItem(SHOWN);
    if (!before) return null;
    return h("p", { class: "notice info", role: "status" }, "The page was loaded anew, which empties its list. ",
      `What was inspected before (${count(before, "image")}) is in the `, h("a", { href: "#history" }, "history"), ".");
  }

  dropZone() {
    const { limits, samples } = this.card;
    const zone = h("div", { class: "drop" },
      h("h1", {}, matchMedia("(any-hover: hover)").matches ? "Drop images of steel here" : "Images of steel"),
      h("div", { class: "actions" },
        h("button", { id: "choose", class: "primary", type: "button", onclick: () => this.picker.click() }, "Choose images"),
        samples.length > 0 && h("button", { id: "try-sample", type: "button", title: LOGGED, onclick: () => this.addSample() },
          tryWords(samples))),
      h("p", { class: "soft" }, `JPEG, PNG, BMP or TIFF, up to ${size(limits.max_bytes)} and `,
        `${whole(limits.max_pixels / 1e6)} megapixels each. They go to this station and nowhere else. `, samples.length > 0 && LOGGED),
      this.picker);
    return zone;
  }

  /** @param {AddKey} keys @returns {() => void} to be called before the view is left. */
  listen(keys) {
    keys("c", "choose images", () => this.picker.click());
    if (this.card.samples.length) keys("s", "try the sample, which goes into the log", () => this.addSample());
    keys("j", "next result", () => this.step(1));
    keys("k", "previous result", () => this.step(-1));
    keys("Enter", "open the result in the viewer");
    let depth = 0; // dragging over a child leaves its parent: count both
    /** @param {boolean} on */
    const over = (on) => this.element.classList.toggle("over", on);
    /** @param {DragEvent} event */
    const hasFiles = (event) => event.dataTransfer?.types.includes("Files") ?? false;
    const listening = new AbortController();
    const { signal } = listening;
    document.addEventListener("dragenter", (event) => {
      if (hasFiles(event)) { event.preventDefault(); depth++; over(true); }
    }, { signal });
    document.addEventListener("dragleave", (event) => {
      if (hasFiles(event) && --depth <= 0) { depth = 0; over(false); }
    }, { signal });
    document.addEventListener("dragover", (event) => { if (hasFiles(event)) event.preventDefault(); }, { signal });
    document.addEventListener("drop", async (event) => {
      if (!event.dataTransfer || !hasFiles(event)) return;
      event.preventDefault();
      depth = 0;
      over(false);
      this.take(await droppedFiles(event.dataTransfer));
    }, { signal });
    document.addEventListener("paste", (event) => {
      if (event.clipboardData?.files.length) this.add(event.clipboardData.files);
    }, { signal });
    return () => listening.abort();
  }

  addSample() {
    this.take(this.card.samples.map((name) => ({ name, file: () => api.sample(name) })));
  }

  /** @param {Iterable<File>} files */
  add(files) {
    this.take([...files].map(given));
  }

  /** @param {Given[]} items */
  take(items) {
    const rows = items.map((item) =>
      new ResultRow({ ...item, open: (row) => this.openRow(row), again: (row) => this.again([row]) }));
    if (!rows.length) return;
    this.element.classList.remove("empty");
    this.rows.unshift(...rows); // the newest on top, where one looks
    this.list.prepend(...rows.map((row) => row.element));
    this.anew?.remove();
    this.uploads.add(rows);
    this.count();
  }

  /** Send anew what was not inspected. @param {ResultRow[]} rows */
  again(rows) {
    for (const row of rows) row.restart();
    this.uploads.add(rows);
    this.count();
  }

  /** @param {ResultRow} row @param {File} file */
  started(row, file) {
    row.say("being inspected");
    if (file.size > this.card.limits.max_bytes) {
      throw new api.ApiError(`The file has ${size(file.size)}; this station takes up to ${size(this.card.limits.max_bytes)}.`);
    }
    row.drawn = this.drawn(row, file).then(() => { row.shown = file; });
    row.drawn.catch(() => {});
  }

  /**
   * The browser may know no TIFF: then the station's picture is shown once it is there.
   * @param {ResultRow} row @param {Blob} blob
   */
  async drawn(row, blob) {
    const bitmap = await pictureOf(blob);
    row.show(bitmap);
    bitmap.close();
  }

  /** @param {ResultRow} row @param {Inspection} inspection */
  async done(row, inspection) {
    /** @type {(region: Region) => Region} */
    const light = (region) => ({ ...region, polygons: [] }); // which nothing here draws
    inspection = { ...inspection, regions: inspection.regions.map(light), suspected: inspection.suspected.map(light) };
    row.inspection = inspection;
    await row.drawn.catch(async () => this.drawn(row, await api.image(inspection.id))).catch(() => {});
    row.done(inspection, this.card);
    sessionStorage.setItem(SHOWN, String(this.rows.filter((one) => one.inspection).length));
    this.count();
    await row.settle();
  }

  /** @param {ResultRow} row @param {unknown} error */
  failed(row, error) {
    row.failed(error);
    this.count();
  }

  count() {
    const finished = this.rows.filter((row) => row.inspection || row.error);
    /** @type {(Verdict|null)[]} */
    const verdicts = ["pass", "review", "reject", null];
    /** @param {Verdict|null} verdict */
    const of = (verdict) => this.rows.filter(({ inspection }) => inspection && inspection.verdict === verdict).length;
    const progress = h("progress", { max: this.rows.length, value: finished.length, "aria-label": "Inspected" });
    const failed = finished.filter((row) => row.error);
    const { away, waiting } = this.uploads;
    this.tally.hidden = false;
    this.tally.replaceChildren(
      h("span", {}, finished.length < this.rows.length
        ? `${whole(finished.length)} of ${count(this.rows.length, "image")}`
        : count(this.rows.length, "image")),
      ...verdicts.filter(of).map((verdict) => h("span", { class: "share" }, whole(of(verdict)), badge(verdict))),
      ...(failed.length ? [h("button", { class: "quiet share", type: "button", title: "Show the first of them", onclick: () => this.toFailed() },
        `${whole(failed.length)} not inspected`)] : []),
      ...(failed.length > 1 ? [h("button", { class: "quiet", type: "button", onclick: () => this.again(failed) }, "Try all again")] : []),
      ...(away && waiting.length ? [h("span", { class: "soft" }, "The station is away or cannot keep results: what waits is sent when it can.")] : []),
      ...(keyOf(this.card)),
      ...(finished.length < this.rows.length ? [progress] : []));
  }

  /** Bring the first file that was not inspected into view, with its reason. */
  toFailed() {
    const row = this.rows.find(({ error }) => error);
    row?.element.scrollIntoView({ block: "center" });
    row?.retry?.focus({ preventScroll: true });
  }

  /** Move the focus from result to result. @param {number} by */
  step(by) {
    const buttons = this.rows.filter((row) => row.inspection).map((row) => row.button);
    const at = buttons.findIndex((button) => button === document.activeElement);
    buttons.at(Math.min(Math.max(at + by, 0), buttons.length - 1))?.focus();
  }

  /** @param {ResultRow} row */
  openRow(row) {
    const finished = this.rows.flatMap(({ inspection, shown, button }) => (inspection ? [{ inspection, shown, button }] : []));
    openInspection(this.card, {
      length: finished.length,
      at: finished.findIndex(({ button }) => button === row.button),
      get: (index) => ({ inspection: finished[index].inspection, image: finished[index].shown }),
      left: (index) => finished[index].button.focus(),
    });
  }
}
