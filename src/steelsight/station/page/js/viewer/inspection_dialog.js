/** One inspection in full, over the page: the viewer, what was decided and why, classes with thresholds, regions. */

import { badge, h, notice } from "../lib/dom.js";
import { facts } from "./facts.js";
import { messageOf } from "../lib/errors.js";
import { keyboard } from "../lib/keyboard.js";
import { isReadable } from "../lib/summary.js";
import { ThresholdPanel } from "./threshold_panel.js";
import { MODES, Viewer } from "./viewer.js";
import { level, whole } from "../lib/format.js";

/**
 * @import { Inspection, Inspector, Region } from "../lib/answers.js"
 * @import { AddKey } from "../lib/keyboard.js"
 * @import { Viewport } from "../lib/viewport.js"
 * @import { Mode } from "./viewer.js"
 */

/** @typedef {{ x: number, y: number }} Place a pixel of the image */
/** @typedef {{ inspection: Inspection, image?: Blob|null }} Full an inspection, and its image where the caller has it */

/**
 * What `j` and `k` go through: `get` gives a full inspection, `left` is called with the last one when the dialog closes.
 * @typedef {{
 *   length: number,
 *   at: number,
 *   get: (index: number) => Full|Promise<Full>,
 *   left?: (index: number) => void,
 * }} List
 */

/**
 * A region as it is listed; one that moved thresholds give has no probability of its own.
 * @typedef {{
 *   class: string, left: number, top: number, width: number, height: number, area: number, probability: number|null,
 * }} Listed
 */

/** @type {Record<Mode, string>} */
const NAMES = { outline: "Outline", fill: "Fill", heat: "Heat" };
const WIDE = 2.4; // width to height from which the panel stands below the image instead of beside it

/** How the last image was drawn: the next one that is opened is drawn so, too. @type {Mode} */
let lastMode = "outline";

/** @param {Inspector} card @param {List} list */
export function openInspection(card, list) {
  return new InspectionDialog(card, list);
}

class InspectionDialog {
  turn = 0; // answers for an image that was left are dropped

  /** @type {ThresholdPanel|null} */
  thresholds = null;

  /** The list of regions, as they are outlined. */
  found = h("section");

  /** @param {Inspector} card @param {List} list */
  constructor(card, list) {
    this.card = card;
    this.list = list;
    this.at = list.at;
    this.stage = h("div", { class: "stage" });
    this.panel = h("div", { class: "panel" });
    this.title = h("h2", { id: "sheet-title" });
    this.place = h("span", { class: "place soft" });
    this.readout = h("output", { class: "readout", "aria-live": "off" });
    this.message = h("div", { class: "message" });
    this.modeButtons = MODES.map((mode) => h("button", { type: "button", "data-mode": mode, "aria-pressed": String(mode === lastMode),
      title: `${NAMES[mode]} (${mode[0]})`, onclick: () => this.setMode(mode) }, NAMES[mode]));
    /** @type {HTMLDialogElement} */
    this.element = h("dialog", { class: "sheet", "aria-labelledby": "sheet-title", onclose: () => this.closed() },
      h("header", {}, this.title, this.place, this.step("Previous", "‹", "k", -1), this.step("Next", "›", "j", 1),
        h("button", { class: "quiet close", type: "button", "aria-label": "Close", title: "Close (Esc)",
          onclick: () => this.element.close() }, "×")),
      h("div", { class: "tools", role: "toolbar", "aria-label": "Viewer" }, 
        h("div", { class: "segments", role: "group", "aria-label": "Drawn as" }, this.modeButtons), this.zooms(),
        h("span", { class: "heat-key soft" }, "0", h("span", { class: "scale", "aria-hidden": "true" }), "1 probability"), this.readout),
      this.message, this.stage, this.panel);
    this.keys = keyboard.layer();
    this.bind(this.keys.add);
    document.body.append(this.element);
    this.element.showModal();
    this.leave = () => this.element.close(); // by a link of its own, or back
    window.addEventListener("hashchange", this.leave);
    this.viewer = new Viewer(this.stage, card);
    this.viewer.mode = lastMode;
    this.viewer.addEventListener("masks", () => this.recount());
    this.viewer.addEventListener("pointer", (event) => this.read(/** @type {CustomEvent<Place|null>} */ (event).detail));
    void this.show();
  }

  /** @param {string} label @param {string} text @param {string} key @param {number} by */
  step(label, text, key, by) {
    return h("button", { class: "quiet", type: "button", "aria-label": label, title: `${label} (${key})`,
      onclick: () => this.go(by) }, text);
  }

  zooms() {
    /** @type {(label: string, key: string, text: string, run: (view: Viewport) => void) => HTMLElement} */
    const button = (label, key, text, run) => h("button", { type: "button", "aria-label": label, title: `${label} (${key})`,
      onclick: () => this.viewer.move(run) }, text);
    return h("div", { class: "segments", role: "group", "aria-label": "Zoom" },
      button("Zoom out", "-", "−", (view) => view.zoom(1 / 1.3)),
      button("Whole image", "0", "Fit", (view) => view.fit()),
      button("Zoom in", "+", "+", (view) => view.zoom(1.3)));
  }

  /** @param {AddKey} keys */
  bind(keys) {
    keys("j", "next image", () => this.go(1));
    keys("k", "previous image", () => this.go(-1));
    for (const mode of MODES) keys(mode[0], `draw as ${mode}`, () => this.setMode(mode));
    for (let number = 1; number <= Math.min(9, this.card.classes.length); number++) {
      keys(String(number), "show or hide a class", () => this.thresholds?.toggle(number));
    }
    keys("r", "every class as decided", () => this.thresholds?.reset());
    /** @param {(view: Viewport) => void} run */
    const zoom = (run) => () => this.viewer.move(run);
    keys("+", "zoom in", zoom((view) => view.zoom(1.3)));
    keys("-", "zoom out", zoom((view) => view.zoom(1 / 1.3)));
    keys("0", "the whole image", zoom((view) => view.fit()));
    for (const arrow of ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"]) {
      keys(arrow, "move the image (focus on it)");
    }
  }

  /** @param {number} by */
  go(by) {
    const at = this.at + by;
    if (at < 0 || at >= this.list.length) return;
    this.at = at;
    void this.show();
  }

  /** Name, picture and facts change together; what cannot be had leaves its place empty, not to the image before. */
  async show() {
    const turn = ++this.turn;
    const { at } = this;
    this.message.replaceChildren();
    this.place.textContent = this.list.length > 1 ? `${whole(at + 1)} of ${whole(this.list.length)}` : "";
    /** @type {Inspection|null} */
    let inspection = null;
    let failed = "";
    try {
      const given = await this.list.get(at);
      if (turn !== this.turn) return;
      inspection = given.inspection;
      await this.viewer.show(inspection, given.image ?? null);
    } catch (error) {
      failed = messageOf(error);
    }
    if (turn !== this.turn || !this.element.open) return;
    if (failed) this.viewer.clear();
    this.describe(inspection);
    this.viewer.element.focus({ preventScroll: true });
    void this.setMode(this.viewer.mode);
    if (failed) this.message.replaceChildren(notice(failed, "error"));
  }

  /** All that stands beside the picture. @param {Inspection|null} inspection null where it could not be had. */
  describe(inspection) {
    this.thresholds?.close();
    this.thresholds = this.viewer.inspection ? new ThresholdPanel(this.viewer) : null;
    this.title.replaceChildren();
    this.panel.replaceChildren();
    if (!inspection) return;
    this.element.classList.toggle("wide", isReadable(inspection) && inspection.width / inspection.height >= WIDE);
    this.title.append(badge(inspection.verdict), h("span", { class: "name" }, inspection.name));
    this.found = this.regions(inspection);
    this.panel.append(facts(inspection, this.card), this.thresholds?.element ?? "", this.found);
  }

  /** @param {Mode} mode */
  async setMode(mode) {
    lastMode = mode;
    for (const button of this.modeButtons) button.setAttribute("aria-pressed", String(button.dataset.mode === mode));
    this.message.replaceChildren();
    this.viewer.setMode(mode);
    this.element.classList.toggle("heated", mode === "heat");
    if (mode !== "heat") return;
    const { turn } = this;
    try {
      await this.viewer.loadMaps();
    } catch (error) {
      if (turn === this.turn) this.message.replaceChildren(notice(`No heat map: ${messageOf(error)}`));
    }
  }

  /** Where the pointer is, and what the networks said there. @param {Place|null} point */
  read(point) {
    if (!point) return this.readout.replaceChildren();
    const said = this.viewer.classes.flatMap(({ name, number }) => {
      const value = this.viewer.probabilityAt(number, point.x, point.y);
      return value === null ? [] : [h("span", {}, `${name}: ${level(255 * value)}`)];
    });
    return this.readout.replaceChildren(`x ${Math.floor(point.x)}  y ${Math.floor(point.y)}`, ...said);
  }

  /** What is outlined now: as decided, or as moved thresholds cut it. */
  recount() {
    const { inspection } = this.viewer;
    if (!inspection) return;
    const listed = this.regions(this.viewer.thresholds.size ? { ...inspection, ...this.outlined() } : inspection);
    this.found.replaceWith(listed);
    this.found = listed;
  }

  /** The regions that moved thresholds give; one that is as decided keeps its probability. */
  outlined() {
    const { classes, inspection, shapes, suspected } = this.viewer;
    /** @param {typeof shapes} from @param {Region[]} decided @returns {Listed[]} */
    const of = (from, decided) => classes.flatMap(({ name, number }) =>
      (from.get(number)?.regions ?? []).map(/** @returns {Listed} */ ({ left, top, right, bottom, area }) => {
        const same = decided.find((one) => one.number === number && one.left === left && one.top === top
          && one.left + one.width === right && one.top + one.height === bottom && one.area === area);
        return same ?? { class: name, left, top, width: right - left, height: bottom - top, area, probability: null };
      }));
    return { regions: of(shapes, inspection?.regions ?? []), suspected: of(suspected, inspection?.suspected ?? []) };
  }

  /** @param {{ regions: Listed[], suspected: Listed[] }} found */
  regions({ regions, suspected }) {
    const moved = this.viewer.thresholds.size > 0;
    const none = moved ? "Nothing is found at these thresholds." : "Nothing was found.";
    return h("section", { class: "regions" }, h("h3", {}, moved ? "Regions at these thresholds" : "Regions"),
      regions.length + suspected.length > 0 && h("p", { class: "soft what" }, "Width × height at left, top; area; mean probability."),
      regions.length ? this.listed(regions) : h("p", { class: "soft" }, none),
      suspected.length > 0 && [h("h3", {}, "Suspected"),
        h("p", { class: "soft" }, "Too small or too unlikely for a mask. Dashed in the picture."),
        this.listed(suspected)]);
  }

  /** @param {Listed[]} regions */
  listed(regions) {
    /** @param {Listed} region */
    const go = ({ left, top, width, height }) =>
      this.viewer.goTo({ left, top, right: left + width, bottom: top + height });
    /** @param {Listed} region */
    const row = (region) => h("li", {}, h("button", { class: "quiet region", type: "button", onclick: () => go(region) },
      h("span", {}, `class ${region.class}`), h("span", {}, `${whole(region.area)} px`),
      h("span", { class: "soft" }, `${whole(region.width)} × ${whole(region.height)} at ${region.left}, ${region.top}`),
      h("span", {}, region.probability === null ? "" : level(255 * region.probability))));
    return h("ol", {}, [...regions].sort((a, b) => b.area - a.area).map(row));
  }

  closed() {
    window.removeEventListener("hashchange", this.leave);
    this.keys.close();
    this.viewer.close();
    this.element.remove();
    this.list.left?.(this.at);
  }
}
