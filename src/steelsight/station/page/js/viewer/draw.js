/** What the viewer paints: the image, the layer over it, outlines with class numbers, and where one is in a long strip. */

import { inkOn, rgbOf } from "../lib/defect_classes.js";
import { contextOf } from "../lib/dom.js";
import { HEAT } from "../lib/heat_colours.js";
import { edgePath } from "../lib/outline.js";
import { paintOutline } from "../lib/outline_pixels.js";

/**
 * @import { Class } from "../lib/answers.js"
 * @import { Size } from "../lib/geometry.js"
 * @import { MaskRegion } from "../lib/regions.js"
 * @import { Viewport } from "../lib/viewport.js"
 * @import { Picture, Shape, Viewer } from "./viewer.js"
 */

/** @typedef {CanvasRenderingContext2D|OffscreenCanvasRenderingContext2D} Context */
/** @typedef {Class & Shape} Shown a class with what is outlined of it */
/** @typedef {{ x: number, y: number, width: number, height: number }} Tag */

const LINE = 2; // screen pixels of an outline
const HALO = 4.5; // of the dark line under it, so that it shows on bright steel
const DASH = [7, 5]; // screen pixels of a dash and the gap after it, around what is suspected
const BORDER = "rgb(190, 190, 190)"; // of the region of interest
const LABELS = 12; // per class, the largest regions
const FILLED = 0.5;
const SHARP = 2; // screen pixels per image pixel from which pixels are shown as squares
const MANY = 1000; // runs of all shown masks from which outlines are painted as pixels, not drawn as lines
const CLOSE = 3; // screen pixels per image pixel from which few of them are in view, and lines are drawn all the same

/** Paint everything. @param {Viewer} viewer @param {Picture} picture what it shows. */
export function draw(viewer, picture) {
  const { canvas } = viewer;
  const { view, bitmap } = picture;
  const context = contextOf(canvas);
  const ratio = canvas.width / viewer.element.clientWidth || 1;
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.clearRect(0, 0, canvas.width, canvas.height);
  const place = () =>
    context.setTransform(ratio * view.scale, 0, 0, ratio * view.scale, ratio * view.left, ratio * view.top);
  place();
  context.imageSmoothingEnabled = view.scale < SHARP;
  context.imageSmoothingQuality = view.scale < 0.7 ? "medium" : "low";
  context.drawImage(bitmap, 0, 0, view.image.width, view.image.height);
  if (viewer.mode !== "outline") {
    viewer.layer ??= viewer.mode === "heat" ? heatLayer(viewer, view.image) : fillLayer(viewer, view.image);
    if (viewer.layer) context.drawImage(viewer.layer, 0, 0);
  }
  if (viewer.region) border(context, viewer.region, view.scale);
  outlines(context, viewer, view);
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  label(context, viewer, view);
  if (!view.fitted) overview(context, picture);
  if (viewer.tool?.draw) {
    place();
    viewer.tool.draw(context, view.scale);
  }
}

/** The border of what counts: thin and grey. @param {Context} context @param {Path2D} path @param {number} scale */
function border(context, path, scale) {
  context.strokeStyle = BORDER;
  context.lineWidth = 1 / scale;
  context.stroke(path);
}

/**
 * The visible classes with their shapes, or with those of what is suspected.
 * @param {Viewer} viewer @returns {Shown[]}
 */
function shown(viewer, shapes = viewer.shapes) {
  return viewer.classes.flatMap((one) => {
    const shape = shapes.get(one.number);
    return shape && viewer.isVisible(one.number) ? [{ ...one, ...shape }] : [];
  });
}

/**
 * In one of two ways: as lines, or, where there are too many corners for that, as pixels of the image.
 * @param {Context} context @param {Viewer} viewer @param {Viewport} view
 */
function outlines(context, viewer, view) {
  const { scale } = view;
  const thin = viewer.mode === "fill";
  const classes = shown(viewer);
  const doubtful = shown(viewer, viewer.suspected).filter(({ runs }) => runs.begins.length);
  const many = [...classes, ...doubtful].reduce((sum, { runs }) => sum + runs.begins.length, 0) > MANY;
  if (!many || scale >= CLOSE) {
    for (const one of doubtful) dashed(context, one, scale, thin);
    for (const one of classes) outline(context, one, view, thin);
    return;
  }
  const thickness = Math.max(1, Math.round((thin ? LINE / 2 : LINE) / scale));
  if (viewer.outlinePixels?.thickness !== thickness) {
    viewer.outlinePixels = { thickness, layer: outlineLayer(view, classes, doubtful, thickness, thin) };
  }
  context.drawImage(viewer.outlinePixels.layer, 0, 0);
}

/**
 * Dashes, under which no dark line closes the gaps.
 * @param {Context} context @param {{edge: () => Path2D, colour: string}} shape
 * @param {number} scale screen pixels per pixel of the context.
 */
export function dashed(context, { edge, colour }, scale, thin = false) {
  context.save();
  context.lineCap = "butt";
  context.setLineDash(DASH.map((length) => length / scale));
  const under = { style: "rgba(0, 0, 0, 0.55)", width: HALO };
  for (const { style, width } of [...(thin ? [] : [under]), { style: colour, width: thin ? LINE / 2 : LINE }]) {
    context.strokeStyle = style;
    context.lineWidth = width / scale;
    context.stroke(edge());
  }
  context.restore();
}

/** @param {Context} context @param {Shown} shape @param {Viewport} view @param {boolean} thin */
function outline(context, { runs, edge, colour }, { scale, image, left, top, screen }, thin) {
  if (!runs.begins.length) return;
  const inView = {
    left: -left / scale, right: (screen.width - left) / scale, top: -top / scale, bottom: (screen.height - top) / scale,
  };
  const all = inView.left <= 0 && inView.top <= 0 && inView.right >= image.width && inView.bottom >= image.height;
  const path = all ? edge() : edgePath(runs, inView);
  context.lineCap = "square";
  context.strokeStyle = "rgba(0, 0, 0, 0.55)";
  context.lineWidth = HALO / scale;
  if (!thin) context.stroke(path);
  context.strokeStyle = colour;
  context.lineWidth = (thin ? LINE / 2 : LINE) / scale;
  context.stroke(path);
}

/**
 * @param {Viewport} view @param {Shown[]} classes @param {Shown[]} doubtful @param {number} thickness
 * @param {boolean} thin
 */
function outlineLayer(view, classes, doubtful, thickness, thin) {
  const { width } = view.image;
  const { layer, context, pixels, put } = layerOf(view.image);
  const rim = thin ? 0 : Math.max(1, Math.round(thickness / 2));
  const dark = pixelOf([0, 0, 0], 0.55);
  for (const { runs, colour } of classes) {
    paintOutline(runs, pixels, width, { thickness, rim, colour: pixelOf(rgbOf(colour), 1), dark });
  }
  put();
  for (const one of doubtful) dashed(context, one, view.scale, thin);
  return layer;
}

/** A pixel of little-endian RGBA. @param {number[]} rgb @param {number} alpha in [0, 1]. */
const pixelOf = ([red, green, blue], alpha) => ((Math.round(255 * alpha) << 24) | (blue << 16) | (green << 8) | red) >>> 0;

/** Masks as half-clear colour; where classes overlap, the higher number covers. @param {Viewer} viewer @param {Size} size */
function fillLayer(viewer, size) {
  const { width, height } = size;
  const { layer, pixels, put } = layerOf(size);
  for (const { colour, runs } of shown(viewer)) {
    const pixel = pixelOf(rgbOf(colour), FILLED);
    for (let y = 0; y < height; y++) {
      for (let i = runs.rows[y]; i < runs.rows[y + 1]; i++) {
        pixels.fill(pixel, y * width + runs.begins[i], y * width + runs.ends[i]);
      }
    }
  }
  put();
  return layer;
}

/**
 * The greatest probability among the visible classes; null until the maps are there.
 * @param {Viewer} viewer @param {Size} size
 */
function heatLayer(viewer, size) {
  const classes = shown(viewer);
  const maps = classes.flatMap(({ number }) => viewer.maps.get(number)?.values ?? []);
  if (!maps.length || maps.length < classes.length) return null;
  const { layer, pixels, put } = layerOf(size);
  const [first, ...others] = maps;
  for (let i = 0; i < pixels.length; i++) {
    let value = first[i];
    for (const map of others) if (map[i] > value) value = map[i];
    pixels[i] = HEAT[value];
  }
  put();
  return layer;
}

/** A picture to be laid over the image: `put` after `pixels` are set. @param {Size} size */
function layerOf({ width, height }) {
  const layer = new OffscreenCanvas(width, height);
  const context = layer.getContext("2d");
  if (!context) throw new TypeError("the browser gives no canvas to paint on");
  const image = context.createImageData(width, height);
  return { layer, context, pixels: new Uint32Array(image.data.buffer), put: () => context.putImageData(image, 0, 0) };
}

/**
 * A class number beside each of its largest regions, with "?" where they are suspected; one that would cover another is left out.
 * @param {CanvasRenderingContext2D} context @param {Viewer} viewer @param {Viewport} view
 */
function label(context, viewer, view) {
  /** @type {Tag[]} */
  const placed = [];
  context.font = "600 12px system-ui, sans-serif";
  context.textAlign = "center";
  context.textBaseline = "middle";
  const least = 3 / view.scale; // a region of less than a few screen pixels is named only if it is the class's largest
  const found = shown(viewer).map((one) => ({ ...one, text: String(one.number) }));
  const doubtful = shown(viewer, viewer.suspected).map((one) => ({ ...one, text: `${one.number}?` }));
  for (const { text, colour, regions } of [...found, ...doubtful]) {
    for (const [rank, region] of regions.slice(0, LABELS).entries()) {
      if (rank && region.right - region.left < least && region.bottom - region.top < least) break;
      const box = tag(context, text, region, view);
      if (!box || placed.some((other) => overlap(box, other))) continue;
      placed.push(box);
      context.fillStyle = colour;
      context.beginPath();
      context.roundRect(box.x, box.y, box.width, box.height, 3);
      context.fill();
      context.fillStyle = inkOn(colour);
      context.fillText(text, box.x + box.width / 2, box.y + box.height / 2 + 0.5);
    }
  }
}

/**
 * Above the region's topmost pixel, or at the screen's edge beside it; null where the region is out of view.
 * @param {CanvasRenderingContext2D} context @param {string} text @param {MaskRegion} region @param {Viewport} view
 * @returns {Tag|null}
 */
function tag(context, text, region, view) {
  const left = region.left * view.scale + view.left;
  const top = region.top * view.scale + view.top;
  const right = region.right * view.scale + view.left;
  const bottom = region.bottom * view.scale + view.top;
  if (right < 0 || bottom < 0 || left > view.screen.width || top > view.screen.height) return null;
  const width = Math.max(16, context.measureText(text).width + 8);
  const height = 16;
  const peak = region.peak * view.scale + view.left;
  const x = Math.min(Math.max(peak - 1, 2), view.screen.width - width - 2);
  const y = Math.min(Math.max(top - height - 3, 2), view.screen.height - height - 2);
  return { x, y, width, height };
}

/** @type {(a: Tag, b: Tag) => boolean} */
const overlap = (a, b) => a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;

/**
 * The whole image, small, with the part in view framed.
 * @param {CanvasRenderingContext2D} context @param {Picture} picture
 */
function overview(context, { view, bitmap }) {
  const { image, screen } = view;
  const scale = Math.min(220 / image.width, 110 / image.height, (screen.width * 0.4) / image.width);
  const width = image.width * scale;
  const height = Math.max(image.height * scale, 6);
  const x = 12;
  const y = screen.height - height - 12;
  context.fillStyle = "rgba(0, 0, 0, 0.6)";
  context.fillRect(x - 3, y - 3, width + 6, height + 6);
  context.drawImage(bitmap, x, y, width, height);
  const left = Math.max(0, -view.left / view.scale);
  const top = Math.max(0, -view.top / view.scale);
  const right = Math.min(image.width, (screen.width - view.left) / view.scale);
  const bottom = Math.min(image.height, (screen.height - view.top) / view.scale);
  context.strokeStyle = "#ffffff";
  context.lineWidth = 1.5;
  context.strokeRect(x + left * scale, y + top * scale, Math.max((right - left) * scale, 3), Math.max((bottom - top) * scale, 3));
}
