/** One inspection in full, over the page: the viewer, what was decided and why, classes with thresholds, regions. */

import { badge, h, notice } from "../lib/dom.js";
import { facts } from "./facts.js";
import { keyboard } from "../lib/keyboard.js";
import { ThresholdPanel } from "./threshold_panel.js";
import { Viewer } from "./viewer.js";
import { level, whole } from "../lib/format.js";

const MODES = { outline: "Outline", fill: "Fill", heat: "Heat" };
const WIDE = 2.4; // width to height from which the panel stands below the image instead of beside it

/**
 * @param {object} card of the inspector.
 * @param {{length: number, at: number, get(index: number): {inspection: object, image?: Blob}|Promise, left?(index): void}}
 *   list what `j` and `k` go through; `get` gives a full inspection, `left` is called with the last one when it closes.
 */
export function openInspection(card, list) {
  return new InspectionDialog(card, list);
}

class InspectionDialog {
  turn = 0; // answers for an image that was left are dropped

  constructor(card, list) {
    Object.assign(this, { card, list, at: list.at });
    this.stage = h("div", { class: "stage" });
    this.panel = h("div", { class: "panel" });
    this.title = h("h2", { id: "sheet-title" });
    this.place = h("span", { class: "place soft" });
    this.readout = h("output", { class: "readout", "aria-live": "off" });
    this.message = h("div", { class: "message" });
    this.element = h("dialog", { class: "sheet", "aria-labelledby": "sheet-title", onclose: () => this.closed() },
      h("header", {}, this.title, this.place, this.step("Previous", "‹", "k", -1), this.step("Next", "›", "j", 1),
        h("button", { class: "quiet close", type: "button", "aria-label": "Close", title: "Close (Esc)",
          onclick: () => this.element.close() }, "×")),
      h("div", { class: "tools", role: "toolbar", "aria-label": "Viewer" }, this.modes(), this.zooms(),
        h("span", { class: "heat-key soft" }, "0", h("span", { class: "scale", "aria-hidden": "true" }), "1 probability"), this.readout),
      this.message, this.stage, this.panel);
    this.keys = keyboard.layer();
    this.bind();
    document.body.append(this.element);
    this.element.showModal();
    this.leave = () => this.element.close(); // by a link of its own, or back
    window.addEventListener("hashchange", this.leave);
    this.viewer = new Viewer(this.stage, card);
    this.viewer.addEventListener("pointer", ({ detail }) => this.read(detail));
    this.show();
  }

  step(label, text, key, by) {
    return h("button", { class: "quiet", type: "button", "aria-label": label, title: `${label} (${key})`,
      onclick: () => this.go(by) }, text);
  }

  modes() {
    const choose = (mode) => h("button", { type: "button", "data-mode": mode, "aria-pressed": mode === "outline",
      title: `${MODES[mode]} (${mode[0]})`, onclick: () => this.setMode(mode) }, MODES[mode]);
    this.modeButtons = h("div", { class: "segments", role: "group", "aria-label": "Drawn as" }, Object.keys(MODES).map(choose));
    return this.modeButtons;
  }

  zooms() {
    const button = (label, key, text, run) => h("button", { type: "button", "aria-label": label, title: `${label} (${key})`,
      onclick: () => this.viewer.move(run) }, text);
    return h("div", { class: "segments", role: "group", "aria-label": "Zoom" },
      button("Zoom out", "-", "−", (view) => view.zoom(1 / 1.3)),
      button("Whole image", "0", "Fit", (view) => view.fit()),
      button("Zoom in", "+", "+", (view) => view.zoom(1.3)));
  }

  bind() {
    this.keys("j", "next image", () => this.go(1));
    this.keys("k", "previous image", () => this.go(-1));
    for (const mode of Object.keys(MODES)) this.keys(mode[0], `draw as ${mode}`, () => this.setMode(mode));
    for (let number = 1; number <= Math.min(9, this.card.classes.length); number++) {
      this.keys(String(number), "show or hide a class", () => this.thresholds?.toggle(number));
    }
    this.keys("r", "every class as decided", () => this.thresholds?.reset());
    const zoom = (run) => () => this.viewer.move(run);
    this.keys("+", "zoom in", zoom((view) => view.zoom(1.3)));
    this.keys("-", "zoom out", zoom((view) => view.zoom(1 / 1.3)));
    this.keys("0", "the whole image", zoom((view) => view.fit()));
    for (const arrow of ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"]) {
      this.keys(arrow, "move the image (focus on it)");
    }
  }

  go(by) {
    const at = this.at + by;
    if (at < 0 || at >= this.list.length) return;
    this.at = at;
    this.show();
  }

  /** Name, picture and facts change together; what cannot be had leaves its place empty, not to the image before. */
  async show() {
    const turn = ++this.turn;
    const { at } = this;
    this.message.replaceChildren();
    this.place.textContent = this.list.length > 1 ? `${whole(at + 1)} of ${whole(this.list.length)}` : "";
    let inspection = null;
    let failed = null;
    try {
      const given = await this.list.get(at);
      if (turn !== this.turn) return;
      inspection = given.inspection;
      await this.viewer.show(inspection, given.image ?? null);
    } catch (error) {
      failed = error;
    }
    if (turn !== this.turn || !this.element.open) return;
    if (failed) this.viewer.clear();
    this.describe(inspection);
    this.viewer.element.focus({ preventScroll: true });
    this.setMode(this.viewer.mode);
    if (failed) this.message.replaceChildren(notice(failed.message, "error"));
  }

  /** All that stands beside the picture. @param {object|null} inspection null where it could not be had. */
  describe(inspection) {
    this.thresholds?.close();
    this.thresholds = this.viewer.inspection ? new ThresholdPanel(this.viewer) : null;
    this.title.replaceChildren();
    this.panel.replaceChildren();
    if (!inspection) return;
    this.element.classList.toggle("wide", inspection.width / inspection.height >= WIDE);
    this.title.append(badge(inspection.verdict), h("span", { class: "name" }, inspection.name));
    this.panel.append(...[facts(inspection, this.card), this.thresholds?.element, this.regions(inspection)].filter(Boolean));
  }

  async setMode(mode) {
    for (const button of this.modeButtons.children) button.setAttribute("aria-pressed", button.dataset.mode === mode);
    this.message.replaceChildren();
    this.viewer.setMode(mode);
    this.element.classList.toggle("heated", mode === "heat");
    if (mode !== "heat") return;
    const { turn } = this;
    try {
      await this.viewer.loadMaps();
    } catch (error) {
      if (turn === this.turn) this.message.replaceChildren(notice(`No heat map: ${error.message}`));
    }
  }

  /** Where the pointer is, and what the networks said there. */
  read(point) {
    if (!point) return this.readout.replaceChildren();
    const said = this.viewer.classes
      .map((one) => [one, this.viewer.probabilityAt(one.number, point.x, point.y)])
      .filter(([, value]) => value !== null);
    return this.readout.replaceChildren(`x ${Math.floor(point.x)}  y ${Math.floor(point.y)}`,
      ...said.map(([{ name }, value]) => h("span", {}, `${name}: ${level(255 * value)}`)));
  }

  regions({ regions, suspected }) {
    return h("section", { class: "regions" }, h("h3", {}, "Regions"),
      regions.length ? this.listed(regions) : h("p", { class: "soft" }, "Nothing was found."),
      suspected.length > 0 && [h("h3", {}, "Suspected"),
        h("p", { class: "soft" }, "Not found: too little, or too unlikely, for a mask. Dashed in the picture."),
        this.listed(suspected)]);
  }

  listed(regions) {
    const go = ({ left, top, width, height }) =>
      this.viewer.goTo({ left, top, right: left + width, bottom: top + height });
    const row = (region) => h("li", {}, h("button", { class: "quiet region", type: "button", onclick: () => go(region) },
      h("span", {}, `class ${region.class}`), h("span", {}, `${whole(region.area)} px`),
      h("span", { class: "soft" }, `${whole(region.width)} × ${whole(region.height)} at ${region.left}, ${region.top}`),
      h("span", {}, level(255 * region.probability))));
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
