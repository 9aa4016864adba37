/** One row of the inspect view: a file on its way, then its picture, verdict and reason. */

import { classesOf } from "../lib/defect_classes.js";
import { badge, contextOf, h } from "../lib/dom.js";
import { messageOf } from "../lib/errors.js";
import { dashed } from "../viewer/draw.js";
import { gauge } from "../viewer/gauge.js";
import { closedPath, edgePath } from "../lib/outline.js";
import { rowRuns } from "../lib/row_runs.js";
import { decodeRuns } from "../lib/rle.js";
import { count, probability, whole } from "../lib/format.js";
import { flagOf, isReadable } from "../lib/summary.js";

/**
 * @import { Inspection, Inspector } from "../lib/answers.js"
 * @import { Readable } from "../viewer/viewer.js"
 * @import { Given } from "./dropped_files.js"
 */

const DASHES = 0.5; // of the scale of a thumbnail: longer and wider dashes, since it is shown at about half its size
const WIDEST = 640; // pixels of a thumbnail, for fine screens
const TALLEST = 200;

export class ResultRow {
  /** @type {Inspection|null} */
  inspection = null;
  /** Why there is none. @type {unknown} */
  error = null;
  /** The file, once its picture is here: not every browser can show one. @type {Blob|null} */
  shown = null;
  /** Settled when the file's picture is here, or cannot be had. @type {Promise<void>} */
  drawn = Promise.resolve();
  /** @type {HTMLButtonElement|null} */
  retry = null;

  /** @param {Given & {open: (row: ResultRow) => void, again: (row: ResultRow) => void}} given */
  constructor({ name, file, open, again }) {
    this.name = name;
    this.file = file;
    this.again = again;
    /** Null once an image is in its place. @type {HTMLCanvasElement|null} */
    this.picture = h("canvas", { class: "thumb blank", width: 320, height: 52, "aria-hidden": "true" });
    this.words = h("span", { class: "words" }, h("span", { class: "soft" }, "waiting"));
    this.title = h("span", { class: "title" }, h("span", { class: "name" }, name));
    this.button = h("button", { class: "result", type: "button", disabled: true, onclick: () => open(this) },
      this.picture, h("span", { class: "about" }, this.title, this.words));
    this.element = h("li", { class: "row waiting" }, this.button);
  }

  /** @param {string} text */
  say(text) {
    this.words.replaceChildren(h("span", { class: "soft" }, text));
  }

  /** Show the picture, as large as a thumbnail. @param {ImageBitmap} bitmap */
  show(bitmap) {
    const { picture } = this;
    if (!picture) return;
    const scale = Math.min(WIDEST / bitmap.width, TALLEST / bitmap.height, 1);
    picture.width = Math.max(1, Math.round(bitmap.width * scale));
    picture.height = Math.max(1, Math.round(bitmap.height * scale));
    const context = contextOf(picture);
    context.imageSmoothingQuality = "medium";
    context.drawImage(bitmap, 0, 0, picture.width, picture.height);
    picture.classList.remove("blank");
  }

  /** @param {Inspection} inspection @param {Inspector} card */
  done(inspection, card) {
    this.inspection = inspection;
    if (isReadable(inspection)) this.outline(inspection, card);
    this.element.className = `row ${inspection.verdict ?? "none"}`;
    this.button.disabled = false;
    this.title.append(flagOf(inspection) ?? "");
    this.words.replaceChildren(
      badge(inspection.verdict),
      h("span", { class: "reason" }, inspection.reason || foundText(inspection)),
      h("span", { class: "measure" }, inspection.p_defect !== null && gauge(inspection.p_defect, inspection.inspector, card),
        h("span", { class: "soft" }, `P(defect) ${probability(inspection.p_defect)}`)));
  }

  /** Put an image in the place of the canvas, which holds a third of a megabyte: a row stays as long as the page. */
  async settle() {
    const { picture } = this;
    if (!picture) return;
    /** @type {Blob|null} */
    const blob = await new Promise((made) => picture.toBlob(made, "image/jpeg", 0.9));
    if (!blob) return; // then the canvas stays
    const settled = h("img", { class: "thumb", alt: "", src: URL.createObjectURL(blob) });
    await settled.decode();
    URL.revokeObjectURL(settled.src);
    picture.replaceWith(settled);
    this.picture = null;
  }

  /** @param {unknown} error */
  failed(error) {
    this.error = error;
    this.element.className = "row failed";
    this.words.replaceChildren(
      h("span", { class: "badge failed" }, h("span", { class: "shape", "aria-hidden": "true" }), "not inspected"),
      h("span", { class: "reason", role: "alert" }, messageOf(error)));
    this.retry = h("button", { class: "quiet again", type: "button", onclick: () => this.again(this) }, "Try again");
    this.element.append(this.retry);
  }

  restart() {
    this.error = null;
    this.retry?.remove();
    this.element.className = "row waiting";
    this.say("waiting");
  }

  /** @param {Readable} inspection @param {Inspector} card */
  outline(inspection, card) {
    if (!this.picture) return;
    const context = contextOf(this.picture);
    const scale = this.picture.width / inspection.width;
    context.scale(scale, scale);
    const { runs, suspected_runs: suspected, height, width } = inspection;
    /** @param {string} text run lengths. */
    const rowsOf = (text) => rowRuns(decodeRuns(text, height, width), height, width);
    for (const { name, colour } of classesOf(inspection, card)) {
      if (suspected[name]) dashed(context, { edge: () => closedPath(rowsOf(suspected[name])), colour }, scale * DASHES);
      if (!runs[name]) continue;
      const edge = edgePath(rowsOf(runs[name]));
      for (const { style, wide } of [{ style: "rgba(0, 0, 0, 0.5)", wide: 6 }, { style: colour, wide: 3.2 }]) {
        context.strokeStyle = style;
        context.lineWidth = wide / scale;
        context.stroke(edge);
      }
    }
    context.resetTransform();
  }
}

/** What was found, in place of a reason, for inspectors without a policy. @param {Inspection} inspection */
function foundText({ regions, classes }) {
  if (!regions.length) return "nothing was found";
  const areas = Object.entries(classes).filter(([, area]) => area).map(([name, area]) => `class ${name}: ${whole(area)} px`);
  return `${count(regions.length, "region")}, ${areas.join(", ")}`;
}
