/** The view for inspecting: drop images or pick them, see each result as it comes, open one in the viewer. */

import * as api from "../lib/api.js";
import { badge, h } from "../lib/dom.js";
import { droppedFiles, given } from "./dropped_files.js";
import { pictureOf } from "../viewer/decode_image.js";
import { ResultRow } from "./result_row.js";
import { openInspection } from "../viewer/inspection_dialog.js";
import { Uploads } from "./uploads.js";
import { count, size, whole } from "../lib/format.js";

/** Results stay while one looks at another view: the element is made once. */
let kept = null;

window.addEventListener("beforeunload", (event) => {
  if (kept?.uploads.active) event.preventDefault(); // what waits would never be sent
});

export function open(element, { card, keys }) {
  kept ??= new Inspect(card);
  element.append(kept.element);
  kept.listen(keys);
  return () => kept.leave();
}

class Inspect {
  rows = [];

  constructor(card) {
    this.card = card;
    this.uploads = new Uploads({
      started: (row, file) => this.started(row, file),
      held: (row, why) => row.say(why),
      done: (row, inspection) => this.done(row, inspection),
      failed: (row, error) => this.failed(row, error),
    });
    this.picker = h("input", { id: "files", type: "file", multiple: true, accept: "image/*,.tif,.tiff,.bmp", class: "unseen",
      onchange: () => { this.add(this.picker.files); this.picker.value = ""; } });
    this.list = h("ul", { class: "results", "aria-label": "Results" });
    this.tally = h("div", { class: "tally", role: "status", hidden: true });
    this.element = h("div", { class: "inspect empty" }, this.dropZone(), this.tally, this.list);
  }

  dropZone() {
    const { limits, samples } = this.card;
    const zone = h("div", { class: "drop" },
      h("h1", {}, "Drop images of steel here"),
      h("div", { class: "actions" },
        h("button", { id: "choose", class: "primary", type: "button", onclick: () => this.picker.click() }, "Choose images"),
        samples.length > 0 && h("button", { id: "try-sample", type: "button", onclick: () => this.addSample() },
          `Try the sample (${count(samples.length, "image")})`)),
      h("p", { class: "soft" }, `JPEG, PNG, BMP or TIFF, up to ${size(limits.max_bytes)} and `,
        `${whole(limits.max_pixels / 1e6)} megapixels each. They go to this station and nowhere else.`),
      this.picker);
    return zone;
  }

  listen(keys) {
    keys("c", "choose images", () => this.picker.click());
    if (this.card.samples.length) keys("s", "try the sample", () => this.addSample());
    keys("j", "next result", () => this.step(1));
    keys("k", "previous result", () => this.step(-1));
    keys("Enter", "open the result in the viewer");
    let depth = 0; // dragging over a child leaves its parent: count both
    const over = (on) => this.element.classList.toggle("over", on);
    const hasFiles = (event) => event.dataTransfer?.types.includes("Files");
    this.handlers = {
      dragenter: (event) => { if (hasFiles(event)) { event.preventDefault(); depth++; over(true); } },
      dragleave: (event) => { if (hasFiles(event) && --depth <= 0) { depth = 0; over(false); } },
      dragover: (event) => { if (hasFiles(event)) event.preventDefault(); },
      drop: async (event) => {
        if (!hasFiles(event)) return;
        event.preventDefault();
        depth = 0;
        over(false);
        this.take(await droppedFiles(event.dataTransfer));
      },
      paste: (event) => { if (event.clipboardData?.files.length) this.add(event.clipboardData.files); },
    };
    for (const [name, run] of Object.entries(this.handlers)) document.addEventListener(name, run);
  }

  leave() {
    for (const [name, run] of Object.entries(this.handlers)) document.removeEventListener(name, run);
  }

  addSample() {
    this.take(this.card.samples.map((name) => ({ name, file: () => api.sample(name) })));
  }

  add(files) {
    this.take([...files].map(given));
  }

  take(items) {
    const rows = items.map(({ name, file }) => {
      const row = new ResultRow({ name, open: (one) => this.openRow(one), again: (one) => this.again(one) });
      return Object.assign(row, { file });
    });
    if (!rows.length) return;
    this.element.classList.remove("empty");
    this.rows.push(...rows);
    this.list.append(...rows.map((row) => row.element));
    this.uploads.add(rows);
    this.count();
  }

  again(row) {
    row.error = null;
    row.restart();
    this.uploads.add([row]);
    this.count();
  }

  async started(row, file) {
    row.say("being inspected");
    if (file.size > this.card.limits.max_bytes) {
      throw new api.ApiError(`The file has ${size(file.size)}; this station takes up to ${size(this.card.limits.max_bytes)}.`);
    }
    row.drawn = this.drawn(row, file).then(() => { row.shown = file; });
    row.drawn.catch(() => {});
  }

  /** The browser may know no TIFF: then the station's picture is shown once it is there. */
  async drawn(row, blob) {
    const bitmap = await pictureOf(blob);
    row.show(bitmap);
    bitmap.close();
  }

  async done(row, inspection) {
    row.inspection = inspection;
    for (const region of [...inspection.regions, ...inspection.suspected]) delete region.polygons; // which nothing here draws
    await row.drawn.catch(async () => this.drawn(row, await api.image(inspection.id))).catch(() => {});
    row.done(inspection, this.card);
    this.count();
    await row.settle();
  }

  failed(row, error) {
    row.error = error;
    row.failed(error);
    this.count();
  }

  count() {
    const finished = this.rows.filter((row) => row.inspection || row.error);
    const verdicts = ["pass", "review", "reject", null];
    const of = (verdict) => this.rows.filter(({ inspection }) => inspection && inspection.verdict === verdict).length;
    const progress = h("progress", { max: this.rows.length, value: finished.length, "aria-label": "Inspected" });
    const failed = finished.filter((row) => row.error).length;
    this.tally.hidden = false;
    this.tally.replaceChildren(
      h("span", {}, finished.length < this.rows.length
        ? `${whole(finished.length)} of ${count(this.rows.length, "image")}`
        : count(this.rows.length, "image")),
      ...verdicts.filter(of).map((verdict) => h("span", { class: "share" }, whole(of(verdict)), badge(verdict))),
      ...(failed ? [h("span", { class: "share" }, `${whole(failed)} not inspected`)] : []),
      ...(finished.length < this.rows.length ? [progress] : []));
  }

  /** Move the focus from result to result. */
  step(by) {
    const open = this.rows.filter((row) => row.inspection);
    const at = open.findIndex((row) => row.button === document.activeElement);
    open[Math.min(Math.max(at + by, 0), open.length - 1)]?.button.focus();
  }

  openRow(row) {
    const open = this.rows.filter((one) => one.inspection);
    openInspection(this.card, {
      length: open.length,
      at: open.indexOf(row),
      get: (index) => ({ inspection: open[index].inspection, image: open[index].shown }),
      left: (index) => open[index].button.focus(),
    });
  }
}
