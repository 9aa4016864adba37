/** Per class: shown or not, its area, and its two thresholds, which cut the mask anew while they move. */

import { inkOn } from "../lib/defect_classes.js";
import { contextOf, h, notice, swatch } from "../lib/dom.js";
import { messageOf } from "../lib/errors.js";
import { countAbove, leastArea } from "../lib/rule.js";
import { level, probability, whole } from "../lib/format.js";

/**
 * @import { Class } from "../lib/answers.js"
 * @import { Threshold } from "../lib/rule.js"
 * @import { Viewer } from "./viewer.js"
 */

export class ThresholdPanel {
  /** @param {Viewer} viewer that shows an inspection already. */
  constructor(viewer) {
    this.viewer = viewer;
    this.rows = new Map(viewer.classes.map((one) => [one.number, new ClassRow(viewer, one)]));
    this.resetButton = h("button", { class: "quiet reset", type: "button", title: "As decided (r)", disabled: true,
      onclick: () => this.reset() }, "As decided");
    this.note = h("div");
    this.thumbs = h("p", { class: "thumbs soft", hidden: true },
      h("span", {}, h("span", { class: "dot lower", "aria-hidden": "true" }), "lower threshold: edge of the mask "),
      h("span", {}, h("span", { class: "dot upper", "aria-hidden": "true" }), "upper threshold: whether there is one"));
    this.element = h("section", { class: "classes" },
      h("h3", {}, "Classes and thresholds", this.resetButton), this.thumbs, this.note, [...this.rows.values()].map((row) => row.element));
    this.listening = new AbortController();
    viewer.addEventListener("masks", () => this.update(), { signal: this.listening.signal });
    void this.load();
  }

  /** Heed the viewer no longer, since it shows another inspection. */
  close() {
    this.listening.abort();
  }

  /** Sliders work once the probabilities are there; without any, a sentence says why there are none. */
  async load() {
    const { inspection } = this.viewer;
    try {
      await this.viewer.loadMaps();
      if (this.viewer.inspection !== inspection) return;
      for (const row of this.rows.values()) row.enable();
      this.thumbs.hidden = false;
    } catch (error) {
      this.note.replaceChildren(notice(messageOf(error)));
      for (const row of this.rows.values()) row.slider?.element.remove();
    }
  }

  update() {
    for (const row of this.rows.values()) row.update();
    this.resetButton.disabled = !this.viewer.thresholds.size;
  }

  /** @param {number} number */
  toggle(number) {
    this.rows.get(number)?.toggle();
  }

  reset() {
    for (const row of this.rows.values()) row.reset();
    this.update();
  }
}

class ClassRow {
  /** @type {Slider|null} */
  slider = null;

  /** @param {Viewer} viewer @param {Class} one */
  constructor(viewer, one) {
    this.viewer = viewer;
    this.number = one.number;
    const { rule } = viewer.card;
    /** What the inspector decides with; a class of another inspector may have none. @type {Threshold|null} */
    this.decided = one.number <= rule.upper.length
      ? { upper: rule.upper[one.number - 1], lower: rule.lower[one.number - 1] }
      : null;
    /** @type {HTMLInputElement} */
    this.switch = h("input", { type: "checkbox", checked: viewer.isVisible(one.number), "aria-label": `Show class ${one.name}`,
      onchange: () => viewer.setClass(this.number, this.switch.checked) });
    this.area = h("output", { class: "area" });
    this.why = h("span", { class: "why soft" });
    this.element = h("div", { class: "class-row", "data-class": one.number },
      h("label", { class: "class-name" }, this.switch, swatch(one, inkOn(one.colour)), h("span", {}, `Class ${one.name}`)),
      this.area);
    const { decided } = this;
    if (decided) {
      this.slider = new Slider(one, decided, (threshold) => this.move(threshold, decided));
      this.element.append(this.slider.element);
      this.slider.element.append(this.why);
    }
    this.update();
  }

  enable() {
    const map = this.viewer.maps.get(this.number);
    if (map) this.slider?.enable(map.histogram);
    this.update();
  }

  toggle() {
    this.switch.checked = !this.switch.checked;
    this.viewer.setClass(this.number, this.switch.checked);
  }

  /** @param {Threshold} threshold @param {Threshold} decided */
  move(threshold, decided) {
    const back = threshold.upper === decided.upper && threshold.lower === decided.lower;
    this.viewer.setThreshold(this.number, back ? null : threshold).catch(() => {});
    if (back) this.viewer.dispatchEvent(new CustomEvent("masks", { detail: { number: this.number } }));
  }

  reset() {
    if (this.decided) this.slider?.set(this.decided);
    this.viewer.setThreshold(this.number, null).catch(() => {});
  }

  update() {
    const area = this.viewer.areaOf(this.number);
    this.area.textContent = area ? `${whole(area)} px` : "–";
    const map = this.viewer.maps.get(this.number);
    const threshold = this.viewer.thresholds.get(this.number) ?? this.decided;
    const p = this.viewer.inspection?.p_defect ?? null;
    if (!this.slider || !map || !threshold || p === null) return;
    const { upper, lower } = threshold;
    const found = countAbove(map.histogram, upper);
    const { rule } = this.viewer.card;
    const least = leastArea(rule, this.number - 1, p);
    const enough = found >= least;
    if (p <= rule.gate) {
      this.why.textContent = `Not marked: P(defect) ${probability(p)} is not above ${probability(rule.gate)}, the limit for any mask.`;
      return;
    }
    this.why.textContent = enough
      ? `Marked above ${probability(lower / 255)}, as ${whole(found)} px score above ${probability(upper / 255)}; ${whole(least)} are needed.`
      : `Not marked: ${whole(found)} px score above ${probability(upper / 255)}; ${whole(least)} are needed.`;
  }
}

/** Two thumbs over the histogram of the class's probabilities. */
class Slider {
  /** Pixels of each value, once the probabilities are there. @type {Uint32Array|null} */
  histogram = null;

  /** @param {Class} one @param {Threshold} decided @param {(threshold: Threshold) => void} moved */
  constructor(one, decided, moved) {
    this.one = one;
    this.moved = moved;
    /** @param {"lower"|"upper"} name @param {string} does */
    const thumb = (name, does) => h("input", { type: "range", min: 0, max: 255, step: 1, value: decided[name], class: name,
      disabled: true, title: does, "aria-label": `Class ${one.name}, ${name} threshold: ${does}`,
      oninput: () => this.changed(name) });
    this.lower = thumb("lower", "the mask is every pixel above it");
    this.upper = thumb("upper", "the class is marked only if enough pixels are above it");
    this.chart = h("canvas", { width: 512, height: 56, "aria-hidden": "true" });
    this.element = h("div", { class: "slider" }, h("div", { class: "track" }, this.chart, this.lower, this.upper));
    this.set(decided);
  }

  get value() {
    return { upper: Number(this.upper.value), lower: Number(this.lower.value) };
  }

  /** @param {Threshold} threshold */
  set({ upper, lower }) {
    this.upper.value = String(upper);
    this.lower.value = String(lower);
    this.said();
  }

  /** @param {Uint32Array} histogram */
  enable(histogram) {
    this.histogram = histogram;
    this.lower.disabled = this.upper.disabled = false;
    this.said();
  }

  /**
   * The lower threshold never exceeds the upper one: the thumb that moves takes the other along.
   * @param {"lower"|"upper"} name
   */
  changed(name) {
    const { upper, lower } = this.value;
    if (lower > upper) this[name === "lower" ? "upper" : "lower"].value = String(this.value[name]);
    this.said();
    this.moved(this.value);
  }

  said() {
    for (const thumb of [this.lower, this.upper]) thumb.setAttribute("aria-valuetext", level(Number(thumb.value)));
    // with both at the right end only the lower one can be moved: it must lie on top
    this.element.classList.toggle("crowded", this.value.lower > 250);
    if (this.histogram) this.draw(this.histogram);
  }

  /**
   * Pixels per value, on a logarithmic scale: the few above a threshold matter more than the many near 0.
   * @param {Uint32Array} histogram
   */
  draw(histogram) {
    const { width, height } = this.chart;
    const context = contextOf(this.chart);
    const { upper, lower } = this.value;
    const most = Math.log1p(Math.max(...histogram));
    context.clearRect(0, 0, width, height);
    for (let value = 0; value < 256; value++) {
      const tall = (Math.log1p(histogram[value]) / most) * height;
      context.globalAlpha = value > upper ? 1 : value > lower ? 0.6 : 0.3;
      context.fillStyle = value > lower ? this.one.colour : "#8795a1";
      context.fillRect(value * 2, height - tall, 2, tall);
    }
  }
}
