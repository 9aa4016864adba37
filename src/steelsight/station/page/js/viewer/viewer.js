/**
 * The viewer of one inspection: its image, what was found in it, and what a threshold would find.
 *
 *     const viewer = new Viewer(element, card);
 *     await viewer.show(inspection);
 *
 * Masks are Uint8Array of height * width, row-major, 0 or 1; numbers of classes count from 1. Events: `view` after zoom or
 * pan, `pointer` with detail {x, y} in pixels or null, `masks` with detail {number} after a mask changed.
 */

import * as api from "../lib/api.js";
import { classesOf } from "../lib/defect_classes.js";
import { draw } from "./draw.js";
import { listen } from "./gestures.js";
import { closedPath, edgePath } from "../lib/outline.js";
import { regionsOf } from "../lib/regions.js";
import { rowRuns } from "../lib/row_runs.js";
import { greyOf, pictureOf } from "./decode_image.js";
import { cutMask, histogramOf, suspectMask } from "../lib/rule.js";
import { areaOf, decodeRuns } from "../lib/rle.js";
import { Viewport } from "../lib/viewport.js";
import { count, probability } from "../lib/format.js";

export class Viewer extends EventTarget {
  /** @type {Map<number, Uint8Array>} the masks that are shown, by class number. */
  masks = new Map();
  /** {down(point, event), move(point, event), up(point, event), draw?(context, viewer)}: takes the pointer; null: it pans. */
  tool = null;
  /** @type {"outline"|"fill"|"heat"} */
  mode = "outline";
  inspection = null;
  view = null;
  classes = [];
  hidden = new Set();
  maps = new Map();
  shapes = new Map();
  /** Shapes of where to look beside what was found, by class number: outlined with dashes, never part of a mask. */
  suspected = new Map();
  thresholds = new Map();
  /** What lies over the image, and outlines as pixels; made anew when what they show changes: see draw.js. */
  layer = null;
  outlinePixels = null;

  /** @param {HTMLElement} element filled by the viewer; gets the keyboard focus. @param {object} card of the inspector. */
  constructor(element, card) {
    super();
    this.element = element;
    element.viewer = this; // who finds the element finds the viewer
    this.card = card;
    this.canvas = document.createElement("canvas");
    this.canvas.className = "viewer-canvas";
    element.classList.add("viewer");
    element.tabIndex = 0;
    element.setAttribute("role", "group");
    element.setAttribute("aria-roledescription", "image viewer");
    element.append(this.canvas);
    listen(this, this.canvas);
    this.observer = new ResizeObserver(() => this.resized());
    this.observer.observe(element);
  }

  /**
   * Show an inspection with its own masks, the whole image in view.
   * @param {Blob|null} image where the caller has it already; else it is fetched.
   * @throws {ApiError} the image is not stored any more, or no image that a browser can show.
   */
  async show(inspection, image = null) {
    const mine = (this.turn = (this.turn ?? 0) + 1);
    const bitmap = await pictureOf(image ?? (await api.image(inspection.id)));
    if (mine !== this.turn) return bitmap.close(); // another was asked for meanwhile
    this.clear();
    this.inspection = inspection;
    this.bitmap = bitmap;
    this.classes = classesOf(inspection, this.card);
    this.view = new Viewport(inspection.width, inspection.height);
    for (const { number } of this.classes) {
      this.take(number, this.decided(number));
      this.suspect(number, this.decided(number, "suspected_runs"));
    }
    this.element.setAttribute("aria-label", describe(inspection));
    this.resized();
  }

  /** Show nothing, and free what the present inspection holds. An image that is on its way is not shown any more. */
  clear() {
    this.turn = (this.turn ?? 0) + 1;
    this.bitmap?.close();
    this.bitmap = this.view = this.inspection = this.layer = this.outlinePixels = null;
    this.classes = [];
    this.canvas.width = this.canvas.width; // empties it
    for (const kept of [this.masks, this.maps, this.shapes, this.suspected, this.thresholds]) kept.clear();
  }

  /** Clear, and stop listening to the element's size. */
  close() {
    this.observer.disconnect();
    this.clear();
    this.canvas.remove();
  }

  setMode(mode) {
    this.mode = mode;
    if (mode === "heat") this.loadMaps().catch(() => {});
    this.changed();
  }

  setClass(number, visible) {
    if (visible) this.hidden.delete(number);
    else this.hidden.add(number);
    this.changed();
  }

  isVisible(number) {
    return !this.hidden.has(number);
  }

  /** The inspector's own mask of a class. @param {"runs"|"suspected_runs"} kind the latter: where to look beside it. */
  decided(number, kind = "runs") {
    const { [kind]: runs, height, width } = this.inspection;
    return decodeRuns(runs[this.nameOf(number)] ?? "", height, width);
  }

  nameOf(number) {
    return this.classes.find((one) => one.number === number).name;
  }

  /**
   * Cut a class's mask anew from its stored probabilities; null gives the inspector's own mask back.
   * @param {{upper: number, lower: number}|null} threshold 0..255 each.
   * @throws {ApiError} no probabilities are stored.
   */
  async setThreshold(number, threshold) {
    if (!threshold) {
      if (!this.thresholds.delete(number)) return;
      this.suspect(number, this.decided(number, "suspected_runs"));
      this.setMask(number, this.decided(number));
      return;
    }
    this.thresholds.set(number, threshold);
    if (!this.maps.has(number)) await this.loadMap(number);
    if (this.thresholds.get(number) !== threshold) return; // moved on while the map came
    const { values, histogram } = this.maps.get(number);
    const { rule } = this.card;
    const { p_defect: p, verdict, height, width } = this.inspection;
    const mask = cutMask(rule, number - 1, p, values, histogram, threshold);
    const nothing = verdict === "pass" || mask.includes(1);
    this.suspect(number, nothing ? new Uint8Array(mask.length)
      : suspectMask(rule, number - 1, values, height, width, threshold.lower));
    this.setMask(number, mask);
  }

  /** Replace a mask, as an editor does; an array that was changed in place is given again. */
  setMask(number, mask) {
    this.take(number, mask);
    if (this.mode !== "heat") this.layer = null; // the heat map is of probabilities, not of masks
    this.outlinePixels = null;
    this.redraw();
    this.dispatchEvent(new CustomEvent("masks", { detail: { number } }));
  }

  areaOf(number) {
    return areaOf(this.masks.get(number));
  }

  /**
   * Fetch the probabilities of every class.
   * @throws {ApiError} none are stored: the gate held the image back, the networks gave none, or they went with age.
   */
  async loadMaps() {
    await Promise.all(this.classes.filter(({ number }) => !this.maps.has(number)).map(({ number }) => this.loadMap(number)));
    if (this.mode === "heat") this.changed();
  }

  async loadMap(number) {
    const { inspection } = this;
    const why = this.whyNoMaps();
    if (why) throw new api.ApiError(why);
    const values = await greyOf(await api.map(inspection.id, number), inspection);
    if (this.inspection === inspection) this.maps.set(number, { values, histogram: histogramOf(values) });
  }

  /** Why there are no probabilities to cut masks from; null where there are. */
  whyNoMaps() {
    const { inspector, error, p_defect: p, has_maps: stored } = this.inspection;
    const { fingerprint, rule } = this.card;
    if (inspector !== fingerprint) return "Another inspector than the present one has judged this image: its thresholds are not known here.";
    if (error !== null) return "The networks gave no probability for this image.";
    if (stored) return null;
    if (p <= rule.gate) {
      return `The gate held this image back: P(defect) ${probability(p)} is at most ${probability(rule.gate)}, so that no network looked for defects, or what it said was not stored.`;
    }
    return "The probabilities of this image were not stored.";
  }

  /** Probability of a class at a pixel, where its map is there; else null. */
  probabilityAt(number, x, y) {
    const map = this.maps.get(number);
    return map ? map.values[Math.floor(y) * this.inspection.width + Math.floor(x)] / 255 : null;
  }

  /** Where a place of the window lies in the image, in pixels; may be outside of it. */
  toImage(clientX, clientY) {
    const box = this.canvas.getBoundingClientRect();
    return this.view.toImage(clientX - box.left, clientY - box.top);
  }

  /** Bring a part of the image into view: {left, top, right, bottom} in pixels. */
  goTo(box) {
    this.move((view) => view.goTo(box));
  }

  fit() {
    this.move((view) => view.fit());
  }

  /** Change the view, where there is one. @param {(view: Viewport) => void} change */
  move(change) {
    if (!this.view) return;
    change(this.view);
    this.moved();
  }

  /** Draw before the next frame; what is asked for several times is drawn once. */
  redraw() {
    this.frame ??= requestAnimationFrame(() => {
      this.frame = null;
      if (this.view) draw(this);
    });
  }

  take(number, mask) {
    const { height, width } = this.inspection;
    const runs = rowRuns(mask, height, width);
    this.masks.set(number, mask);
    let edge = null;
    this.shapes.set(number, { runs, edge: () => (edge ??= edgePath(runs)), regions: regionsOf(runs) });
  }

  /** Replace what is suspected of a class. */
  suspect(number, mask) {
    const { height, width } = this.inspection;
    const runs = rowRuns(mask, height, width);
    let edge = null;
    this.suspected.set(number, { runs, edge: () => (edge ??= closedPath(runs)), regions: regionsOf(runs) });
  }

  changed() {
    this.layer = this.outlinePixels = null;
    this.redraw();
  }

  moved() {
    this.redraw();
    this.dispatchEvent(new Event("view"));
  }

  pointed(event) {
    let detail = null;
    if (event) {
      const [x, y] = this.toImage(event.clientX, event.clientY);
      const { width, height } = this.inspection;
      if (x >= 0 && y >= 0 && x < width && y < height) detail = { x, y };
    }
    this.dispatchEvent(new CustomEvent("pointer", { detail }));
  }

  resized() {
    const { clientWidth: width, clientHeight: height } = this.element;
    const ratio = window.devicePixelRatio || 1;
    this.canvas.width = Math.max(1, Math.round(width * ratio));
    this.canvas.height = Math.max(1, Math.round(height * ratio));
    if (!this.view) return;
    this.view.resize(width, height);
    draw(this); // a resized canvas is empty: waiting for the next frame would flicker
    this.dispatchEvent(new Event("view"));
  }
}

function describe({ name, width, height, regions, suspected }) {
  const found = `${count(regions.length, "region")} found${suspected.length ? `, ${suspected.length} suspected` : ""}`;
  return `${name}, ${width} by ${height} pixels, ${found}. Plus and minus zoom, arrows pan, 0 shows the whole image.`;
}
