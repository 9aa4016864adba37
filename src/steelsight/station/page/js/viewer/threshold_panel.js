/** Per class: shown or not, its area, and its two thresholds, which cut the mask anew while they move. */

import { inkOn } from "../lib/defect_classes.js";
import { h, notice, swatch } from "../lib/dom.js";
import { countAbove, leastArea } from "../lib/rule.js";
import { level, probability, whole } from "../lib/format.js";

export class ThresholdPanel {
  /** @param {import("./viewer.js").Viewer} viewer that shows an inspection already. */
  constructor(viewer) {
    this.viewer = viewer;
    this.rows = new Map(viewer.classes.map((one) => [one.number, new ClassRow(viewer, one)]));
    this.resetButton = h("button", { class: "quiet reset", type: "button", title: "As decided (r)", disabled: true,
      onclick: () => this.reset() }, "As decided");
    this.note = h("div");
    this.element = h("section", { class: "classes" },
      h("h3", {}, "Classes and thresholds", this.resetButton), this.note, [...this.rows.values()].map((row) => row.element));
    this.listening = new AbortController();
    viewer.addEventListener("masks", () => this.update(), { signal: this.listening.signal });
    this.load();
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
      if (this.viewer.inspection === inspection) for (const row of this.rows.values()) row.enable();
    } catch (error) {
      this.note.replaceChildren(notice(error.message));
      for (const row of this.rows.values()) row.slider?.element.remove();
    }
  }

  update() {
    for (const row of this.rows.values()) row.update();
    this.resetButton.disabled = !this.viewer.thresholds.size;
  }

  toggle(number) {
    this.rows.get(number)?.toggle();
  }

  reset() {
    for (const row of this.rows.values()) row.reset();
    this.update();
  }
}

class ClassRow {
  constructor(viewer, one) {
    Object.assign(this, { viewer, one, number: one.number });
    const { rule } = viewer.card;
    this.decided = { upper: rule.upper[one.number - 1], lower: rule.lower[one.number - 1] };
    this.switch = h("input", { type: "checkbox", checked: viewer.isVisible(one.number), "aria-label": `Show class ${one.name}`,
      onchange: () => viewer.setClass(this.number, this.switch.checked) });
    this.area = h("output", { class: "area" });
    this.why = h("span", { class: "why soft" });
    this.element = h("div", { class: "class-row", "data-class": one.number },
      h("label", { class: "class-name" }, this.switch, swatch(one, inkOn(one.colour)), h("span", {}, `Class ${one.name}`)),
      this.area);
    if (this.decided.upper !== undefined) {
      this.slider = new Slider(one, this.decided, (threshold) => this.move(threshold));
      this.element.append(this.slider.element);
      this.slider.element.append(this.why);
    }
    this.update();
  }

  enable() {
    this.slider.enable(this.viewer.maps.get(this.number).histogram);
    this.update();
  }

  toggle() {
    this.switch.checked = !this.switch.checked;
    this.viewer.setClass(this.number, this.switch.checked);
  }

  move(threshold) {
    const { upper, lower } = this.decided;
    const back = threshold.upper === upper && threshold.lower === lower;
    this.viewer.setThreshold(this.number, back ? null : threshold).catch(() => {});
    if (back) this.viewer.dispatchEvent(new CustomEvent("masks", { detail: { number: this.number } }));
  }

  reset() {
    this.slider?.set(this.decided);
    this.viewer.setThreshold(this.number, null);
  }

  update() {
    const area = this.viewer.areaOf(this.number);
    this.area.textContent = area ? `${whole(area)} px` : "–";
    const map = this.viewer.maps.get(this.number);
    if (!this.slider || !map) return;
    const { upper, lower } = this.viewer.thresholds.get(this.number) ?? this.decided;
    const found = countAbove(map.histogram, upper);
    const { rule } = this.viewer.card;
    const { p_defect: p } = this.viewer.inspection;
    const least = leastArea(rule, this.number - 1, p);
    const enough = found >= least;
    if (p <= rule.gate) {
      this.why.textContent = `Nothing: the gate lets no mask through, since P(defect) is at most ${probability(rule.gate)}`;
      return;
    }
    this.why.textContent = enough
      ? `All above ${level(lower)}, since ${whole(found)} px exceed ${level(upper)} (${whole(least)} needed)`
      : `Nothing: ${whole(found)} px exceed ${level(upper)}, ${whole(least)} needed`;
  }
}

/** Two thumbs over the histogram of the class's probabilities. */
class Slider {
  constructor(one, decided, moved) {
    Object.assign(this, { one, moved });
    const thumb = (name, does) => h("input", { type: "range", min: 0, max: 255, step: 1, value: decided[name], class: name,
      disabled: true, title: does, "aria-label": `Class ${one.name}, ${name} threshold: ${does}`,
      oninput: () => this.changed(name) });
    this.lower = thumb("lower", "the mask is what exceeds it");
    this.upper = thumb("upper", "enough pixels must exceed it, or the class is not there");
    this.chart = h("canvas", { width: 512, height: 56, "aria-hidden": "true" });
    this.element = h("div", { class: "slider" }, h("div", { class: "track" }, this.chart, this.lower, this.upper));
    this.set(decided);
  }

  get value() {
    return { upper: Number(this.upper.value), lower: Number(this.lower.value) };
  }

  set({ upper, lower }) {
    this.upper.value = upper;
    this.lower.value = lower;
    this.said();
  }

  enable(histogram) {
    this.histogram = histogram;
    this.lower.disabled = this.upper.disabled = false;
    this.said();
  }

  /** The lower threshold never exceeds the upper one: the thumb that moves takes the other along. */
  changed(name) {
    const { upper, lower } = this.value;
    if (lower > upper) this[name === "lower" ? "upper" : "lower"].value = this.value[name];
    this.said();
    this.moved(this.value);
  }

  said() {
    for (const thumb of [this.lower, this.upper]) thumb.setAttribute("aria-valuetext", level(Number(thumb.value)));
    // with both at the right end only the lower one can be moved: it must lie on top
    this.element.classList.toggle("crowded", this.value.lower > 250);
    if (this.histogram) this.draw();
  }

  /** Pixels per value, on a logarithmic scale: the few above a threshold matter more than the many near 0. */
  draw() {
    const { width, height } = this.chart;
    const context = this.chart.getContext("2d");
    const { upper, lower } = this.value;
    const most = Math.log1p(Math.max(...this.histogram));
    context.clearRect(0, 0, width, height);
    for (let value = 0; value < 256; value++) {
      const tall = (Math.log1p(this.histogram[value]) / most) * height;
      context.globalAlpha = value > upper ? 1 : value > lower ? 0.6 : 0.3;
      context.fillStyle = value > lower ? this.one.colour : "#8795a1";
      context.fillRect(value * 2, height - tall, 2, tall);
    }
  }
}
