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
import { contextOf } from "../lib/dom.js";
import { draw } from "./draw.js";
import { listen } from "./gestures.js";
import { closedPath, edgePath } from "../lib/outline.js";
import { regionsOf } from "../lib/regions.js";
import { rowRuns } from "../lib/row_runs.js";
import { greyOf, pictureOf } from "./decode_image.js";
import { cutMask, histogramOf, keepsMask } from "../lib/rule.js";
import { areaOf, decodeRuns } from "../lib/rle.js";
import { suspectMasks } from "../lib/suspect.js";
import { Viewport } from "../lib/viewport.js";
import { count, probability } from "../lib/format.js";
import { isReadable } from "../lib/summary.js";

/**
 * @import { Class, Inspection, Inspector } from "../lib/answers.js"
 * @import { Box, Point } from "../lib/geometry.js"
 * @import { MaskRegion } from "../lib/regions.js"
 * @import { RowRuns } from "../lib/row_runs.js"
 * @import { Threshold } from "../lib/rule.js"
 */

/** @typedef {"outline"|"fill"|"heat"} Mode */
/** @typedef {Inspection & { height: number, width: number }} Readable an inspection of a file that could be read */
/** @typedef {{ runs: RowRuns, edge: () => Path2D, regions: MaskRegion[] }} Shape what is drawn of a mask */
/** @typedef {{ inspection: Readable, bitmap: ImageBitmap, view: Viewport }} Picture what is shown, and where it lies */

/**
 * What takes the pointer; points are in pixels of the image, `scale` in screen pixels per pixel of the image.
 * @typedef {{
 *   down: (point: Point, event: PointerEvent) => void,
 *   move: (point: Point, event: PointerEvent) => void,
 *   up: (point: Point, event: PointerEvent) => void,
 *   draw?: (context: CanvasRenderingContext2D, scale: number) => void,
 * }} Tool
 */

/** How masks are drawn. @type {Mode[]} */
export const MODES = ["outline", "fill", "heat"];

export class Viewer extends EventTarget {
  /** The masks that are shown, by class number. @type {Map<number, Uint8Array>} */
  masks = new Map();
  /** Takes the pointer; null: it pans. @type {Tool|null} */
  tool = null;
  /** @type {Mode} */
  mode = "outline";
  /** @type {Picture|null} */
  picture = null;
  /** @type {Class[]} */
  classes = [];
  /** @type {Set<number>} */
  hidden = new Set();
  /**
   * Probabilities times 255, and how many pixels have each.
   * @type {Map<number, {values: Uint8Array, histogram: Uint32Array}>}
   */
  maps = new Map();
  /** Probabilities that are on their way, by class number. @type {Map<number, Promise<void>>} */
  coming = new Map();
  /** @type {Map<number, Shape>} */
  shapes = new Map();
  /**
   * Where to look beside what was found: outlined with dashes, never part of a mask.
   * @type {Map<number, Shape>}
   */
  suspected = new Map();
  /** The border of the region of interest; null where there is none, or it has not come yet. @type {Path2D|null} */
  region = null;
  /** @type {Map<number, Threshold>} */
  thresholds = new Map();
  /** What lies over the image; made anew when what it shows changes: see draw.js. @type {OffscreenCanvas|null} */
  layer = null;
  /** Outlines as pixels, likewise. @type {{thickness: number, layer: OffscreenCanvas}|null} */
  outlinePixels = null;
  turn = 0; // an image that is on its way when another is asked for is not shown
  /** The frame that is drawn next. @type {number|null} */
  frame = null;

  /** @param {HTMLElement} element filled by the viewer; gets the keyboard focus. @param {Inspector} card */
  constructor(element, card) {
    super();
    this.element = element;
    Object.assign(element, { viewer: this }); // who finds the element finds the viewer
    this.station = this.card = card;
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
   * @param {Inspection} inspection @param {Blob|null} image where the caller has it already; else it is fetched.
   * @throws {ApiError} the image is not stored any more, or no image that a browser can show.
   */
  async show(inspection, image = null) {
    const mine = ++this.turn;
    if (!isReadable(inspection)) throw new api.ApiError("This file could not be read.");
    const bitmap = await pictureOf(image ?? (await api.image(inspection.id)));
    if (mine !== this.turn) return bitmap.close(); // another was asked for meanwhile
    this.clear();
    this.picture = { inspection, bitmap, view: new Viewport(inspection.width, inspection.height) };
    this.card = { ...this.station }; // as it is now: what moved thresholds cut is of one rule
    this.classes = classesOf(inspection, this.card);
    for (const { number } of this.classes) {
      this.take(number, this.decided(number));
      this.suspect(number, this.decided(number, "suspected_runs"));
    }
    this.element.setAttribute("aria-label", describe(inspection));
    this.resized();
    if (this.mode === "heat") this.loadMaps().catch(() => {}); // who shows it says why there are none
    this.loadRegion(inspection).catch(() => {}); // an image that is not stored any more is shown without it
  }

  /** Fetch the border of the region of interest, where this inspector has one. @param {Readable} inspection */
  async loadRegion({ id, inspector, height, width, has_image: stored }) {
    if (this.card.roi === null || inspector !== this.card.fingerprint || !stored) return;
    const mine = this.turn;
    const { runs } = await api.region(id);
    if (mine !== this.turn) return; // another is shown by now
    this.region = closedPath(rowRuns(decodeRuns(runs, height, width), height, width));
    this.redraw();
  }

  /** The inspection that is shown. */
  get inspection() {
    return this.picture?.inspection ?? null;
  }

  /** Where it lies on the screen. */
  get view() {
    return this.picture?.view ?? null;
  }

  /** What is shown. @throws {TypeError} nothing is. */
  get shown() {
    if (!this.picture) throw new TypeError("the viewer shows nothing");
    return this.picture;
  }

  /** Show nothing, and free what the present inspection holds. An image that is on its way is not shown any more. */
  clear() {
    this.turn++;
    this.picture?.bitmap.close();
    this.picture = this.layer = this.outlinePixels = this.region = null;
    this.classes = [];
    const context = contextOf(this.canvas);
    context.resetTransform();
    context.clearRect(0, 0, this.canvas.width, this.canvas.height);
    for (const kept of [this.masks, this.maps, this.coming, this.shapes, this.suspected, this.thresholds]) kept.clear();
  }

  /** Clear, and stop listening to the element's size. */
  close() {
    this.observer.disconnect();
    this.clear();
    this.canvas.remove();
  }

  /** @param {Mode} mode */
  setMode(mode) {
    this.mode = mode;
    if (mode === "heat") this.loadMaps().catch(() => {});
    this.changed();
  }

  /** @param {number} number @param {boolean} visible */
  setClass(number, visible) {
    if (visible) this.hidden.delete(number);
    else this.hidden.add(number);
    this.changed();
  }

  /** @param {number} number */
  isVisible(number) {
    return !this.hidden.has(number);
  }

  /**
   * The inspector's own mask of a class.
   * @param {number} number @param {"runs"|"suspected_runs"} kind the latter: where to look beside it.
   */
  decided(number, kind = "runs") {
    const { [kind]: runs, height, width } = this.shown.inspection;
    const name = this.classes.find((one) => one.number === number)?.name ?? "";
    return decodeRuns(runs[name] ?? "", height, width);
  }

  /**
   * Cut a class's mask anew from its stored probabilities; null gives the inspector's own mask back. What is suspected in
   * any class depends on all of them, and is found anew.
   * @param {number} number @param {Threshold|null} threshold
   * @throws {ApiError} no probabilities are stored.
   */
  async setThreshold(number, threshold) {
    if (!threshold) {
      if (!this.thresholds.delete(number)) return;
      this.suspectAnew();
      this.setMask(number, this.decided(number));
      return;
    }
    this.thresholds.set(number, threshold);
    await this.loadMaps();
    const map = this.maps.get(number);
    if (!map || this.thresholds.get(number) !== threshold) return; // moved on while the map came
    const { p_defect: p } = this.shown.inspection;
    if (p === null) return; // then there are no maps
    this.suspectAnew();
    this.setMask(number, cutMask(this.card.rule, number - 1, p, map.values, map.histogram, threshold));
  }

  /** What is suspected at the thresholds of now: as decided, where none is moved. */
  suspectAnew() {
    const { rule } = this.card;
    const { p_defect: p, verdict, height, width, runs } = this.shown.inspection;
    if (verdict === "pass") return; // nothing is suspected in it at any threshold
    if (!this.thresholds.size) {
      for (const { number } of this.classes) this.suspect(number, this.decided(number, "suspected_runs"));
      return;
    }
    const maps = this.classes.flatMap(({ number }) => this.maps.get(number) ?? []);
    if (p === null || maps.length < this.classes.length) return; // who waits for them asks again
    const moved = this.classes.map(({ number }) => this.thresholds.get(number));
    const lower = rule.lower.map((level, index) => moved[index]?.lower ?? level);
    const found = this.classes.map(({ name }, index) => {
      const threshold = moved[index];
      return threshold ? keepsMask(rule, index, p, maps[index].histogram, threshold.upper) : Boolean(runs[name]);
    });
    suspectMasks(rule, maps, lower, found, height, width).forEach((mask, index) => {
      this.suspect(this.classes[index].number, mask);
    });
  }

  /**
   * Replace a mask, as an editor does; an array that was changed in place is given again.
   * @param {number} number @param {Uint8Array} mask
   */
  setMask(number, mask) {
    this.take(number, mask);
    if (this.mode !== "heat") this.layer = null; // the heat map is of probabilities, not of masks
    this.outlinePixels = null;
    this.redraw();
    this.dispatchEvent(new CustomEvent("masks", { detail: { number } }));
  }

  /** @param {number} number */
  areaOf(number) {
    const mask = this.masks.get(number);
    return mask ? areaOf(mask) : 0;
  }

  /**
   * Fetch the probabilities of every class.
   * @throws {ApiError} none are stored: the gate held the image back, the networks gave none, or they went with age.
   */
  async loadMaps() {
    await Promise.all(this.classes.filter(({ number }) => !this.maps.has(number)).map(({ number }) => this.loadMap(number)));
    if (this.mode === "heat") this.changed();
  }

  /** Fetched once, however many ask. @param {number} number @returns {Promise<void>} */
  loadMap(number) {
    let coming = this.coming.get(number);
    if (!coming) {
      coming = this.fetchMap(number);
      this.coming.set(number, coming);
      coming.catch(() => this.coming.delete(number)); // may be tried again
    }
    return coming;
  }

  /** @param {number} number */
  async fetchMap(number) {
    const { inspection } = this.shown;
    const why = this.whyNoMaps(inspection);
    if (why) throw new api.ApiError(why);
    const values = await greyOf(await api.map(inspection.id, number), inspection);
    if (this.inspection === inspection) this.maps.set(number, { values, histogram: histogramOf(values) });
  }

  /** Why there are no probabilities to cut masks from; null where there are. @param {Readable} inspection */
  whyNoMaps({ inspector, error, verdict, p_defect: p, has_maps: stored }) {
    const { fingerprint, rule } = this.card;
    if (inspector !== fingerprint) return "Another inspector judged this image: its thresholds are not known here.";
    if (error !== null || p === null) return "The networks gave no probability for this image.";
    if (stored) return null;
    if (p <= rule.gate && (verdict === "pass" || verdict === null)) { // any other image is searched all the same
      return `Not searched for defects: P(defect) ${probability(p)} is not above ${probability(rule.gate)}, the limit for any mask.`;
    }
    return "The probabilities of this image were not stored.";
  }

  /**
   * Probability of a class at a pixel, where its map is there; else null.
   * @param {number} number @param {number} x @param {number} y
   */
  probabilityAt(number, x, y) {
    const map = this.maps.get(number);
    return map ? map.values[Math.floor(y) * this.shown.inspection.width + Math.floor(x)] / 255 : null;
  }

  /**
   * Where a place of the window lies in the image, in pixels; may be outside of it.
   * @param {number} clientX @param {number} clientY
   */
  toImage(clientX, clientY) {
    const box = this.canvas.getBoundingClientRect();
    return this.shown.view.toImage(clientX - box.left, clientY - box.top);
  }

  /** Bring a part of the image into view. @param {Box} box in pixels. */
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
      if (this.picture) draw(this, this.picture);
    });
  }

  /** @param {number} number @param {Uint8Array} mask */
  take(number, mask) {
    const { height, width } = this.shown.inspection;
    const runs = rowRuns(mask, height, width);
    this.masks.set(number, mask);
    /** @type {Path2D|null} */
    let edge = null;
    this.shapes.set(number, { runs, edge: () => (edge ??= edgePath(runs)), regions: regionsOf(runs) });
  }

  /** Replace what is suspected of a class. @param {number} number @param {Uint8Array} mask */
  suspect(number, mask) {
    const { height, width } = this.shown.inspection;
    const runs = rowRuns(mask, height, width);
    /** @type {Path2D|null} */
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

  /** @param {PointerEvent|null} event null: the pointer has left. */
  pointed(event) {
    let detail = null;
    if (event && this.picture) {
      const [x, y] = this.toImage(event.clientX, event.clientY);
      const { width, height } = this.picture.inspection;
      if (x >= 0 && y >= 0 && x < width && y < height) detail = { x, y };
    }
    this.dispatchEvent(new CustomEvent("pointer", { detail }));
  }

  resized() {
    const { clientWidth: width, clientHeight: height } = this.element;
    const ratio = window.devicePixelRatio || 1;
    this.canvas.width = Math.max(1, Math.round(width * ratio));
    this.canvas.height = Math.max(1, Math.round(height * ratio));
    if (!this.picture) return;
    this.picture.view.resize(width, height);
    draw(this, this.picture); // a resized canvas is empty: waiting for the next frame would flicker
    this.dispatchEvent(new Event("view"));
  }
}

/** @param {Inspection} inspection */
function describe({ name, width, height, regions, suspected }) {
  const found = `${count(regions.length, "region")} found${suspected.length ? `, ${suspected.length} suspected` : ""}`;
  return `${name}, ${width} by ${height} pixels, ${found}. Plus and minus zoom, arrows pan, 0 shows the whole image.`;
}
