/** Drawing and erasing regions on the viewer: what is saved is what was drawn, pixel for pixel. */

import { clearRegion, cut, fillPolygon, paintLine, paste, union } from "../lib/paint.js";
import { encodeRuns } from "../lib/rle.js";

/**
 * @import { Box, Point, Size } from "../lib/geometry.js"
 * @import { Viewer } from "../viewer/viewer.js"
 */

/** @typedef {"move"|"brush"|"erase"|"lasso"|"polygon"|"delete"} ToolName */
/** @typedef {{ number: number, before: Uint8Array, mask: Uint8Array, box: Box|null }} Change of a class's mask, within the box */
/** @typedef {{ number: number, box: Box, before: Uint8Array, after: Uint8Array }} Step what lies in the box, before and after */

/** @type {{ name: ToolName, label: string, key: string, does: string }[]} */
export const TOOLS = [
  { name: "move", label: "Move", key: "m", does: "drag the picture" },
  { name: "brush", label: "Brush", key: "b", does: "draw with a round brush" },
  { name: "erase", label: "Erase", key: "e", does: "erase with a round brush" },
  { name: "lasso", label: "Lasso", key: "l", does: "drag around a region to fill it" },
  { name: "polygon", label: "Polygon", key: "c", does: "set corners; Enter or the first corner closes" },
  { name: "delete", label: "Delete region", key: "x", does: "click a region to remove it whole" },
];
export const SIZES = { least: 1, most: 200, first: 16 };
const KEPT = 200; // steps that can be undone
const CLOSE = 12; // screen pixels from the first corner within which a click closes a polygon

/** A tool of the viewer; `changed` is called after a change of tool, class, brush, masks or steps. */
export class Editor {
  /** @type {ToolName} */
  tool = "move";
  number = 1;
  brush = SIZES.first;
  /** Masks at the beginning. @type {Map<number, Uint8Array>|null} */
  base = null;
  /** Of the picture. @type {Size} */
  size = { width: 0, height: 0 };
  /** Steps that can be undone. @type {Step[]} */
  done = [];
  /** Steps that can be redone. @type {Step[]} */
  undone = [];
  /** What the pointer draws while it is down. @type {Change & { points: Point[] }|null} */
  stroke = null;
  /** Of a polygon that is not closed yet. @type {Point[]} */
  corners = [];
  /** Where the pointer is. @type {Point|null} */
  pointer = null;

  /** @param {Viewer} viewer @param {() => void} changed */
  constructor(viewer, changed) {
    this.viewer = viewer;
    this.changed = changed;
    viewer.addEventListener("pointer", (event) => {
      // the brush's circle leaves the picture with the mouse
      if (event instanceof CustomEvent && !event.detail) this.pointer = null;
    });
  }

  /** Begin on the picture that the viewer shows. @param {Map<number, Uint8Array>} masks 0 or 1, row-major. */
  begin(masks) {
    const { height, width } = this.viewer.shown.inspection;
    this.size = { height, width };
    this.base = masks;
    for (const [number, mask] of masks) this.viewer.setMask(number, mask);
    if (!masks.has(this.number)) this.number = Math.min(...masks.keys());
    this.forget();
    this.choose(this.tool);
  }

  /** Give the pointer back to the viewer. */
  end() {
    this.forget();
    this.viewer.tool = null;
    this.base = null;
  }

  forget() {
    this.done = [];
    this.undone = [];
    this.stroke = null;
    this.corners = [];
    this.pointer = null;
  }

  get masks() {
    return this.viewer.masks;
  }

  /** The mask of a class of the picture. @param {number} number */
  maskOf(number) {
    return maskIn(this.masks, number);
  }

  /** Whether the masks differ from those at the beginning. */
  get edited() {
    return this.base !== null && !sameMasks(this.base, this.masks);
  }

  /** {class name: run lengths} of the masks as they are drawn, or of others of the same image. */
  runs(masks = this.masks) {
    const { height, width } = this.size;
    return Object.fromEntries(
      this.viewer.classes.map(({ name, number }) => [name, encodeRuns(maskIn(masks, number), height, width)]),
    );
  }

  /** Take masks that were saved for the beginning. @param {Map<number, Uint8Array>} masks */
  saved(masks) {
    this.base = masks;
  }

  /** @param {ToolName} tool */
  choose(tool) {
    this.cancel();
    this.tool = tool;
    this.viewer.tool = tool === "move" ? null : this;
    this.viewer.canvas.classList.toggle("drawing", tool !== "move");
    this.changed();
  }

  /** @param {number} number */
  chooseClass(number) {
    if (!this.masks.has(number)) return;
    this.number = number;
    this.changed();
  }

  /** @param {number} pixels of the image. */
  chooseBrush(pixels) {
    this.brush = Math.min(SIZES.most, Math.max(SIZES.least, Math.round(pixels)));
    this.viewer.redraw();
    this.changed();
  }

  // What the viewer calls while a tool is chosen; points are in pixels of the image.

  /** @param {Point} point */
  down(point) {
    this.pointer = point;
    if (this.tool === "polygon") return this.corner(point);
    if (this.tool === "delete") return this.remove(point);
    const before = this.maskOf(this.number);
    this.stroke = { number: this.number, before, mask: before.slice(), box: null, points: [point] };
    return this.tool === "lasso" ? this.viewer.redraw() : this.paint(this.stroke, point, point);
  }

  /** @param {Point} point */
  move(point) {
    this.pointer = point;
    if (this.stroke) {
      const last = this.stroke.points[this.stroke.points.length - 1];
      this.stroke.points.push(point);
      if (this.tool !== "lasso") this.paint(this.stroke, last, point);
    }
    this.viewer.redraw();
  }

  /** @param {Point} _point @param {PointerEvent} event */
  up(_point, event) {
    if (!this.stroke) return;
    if (event.type !== "pointerup") return this.cancel(); // a second finger moves the picture, or the system took over
    const { stroke } = this;
    if (this.tool === "lasso") stroke.box = fillPolygon(stroke.mask, this.size, stroke.points, 1);
    this.stroke = null;
    if (event.pointerType === "touch") this.pointer = null; // a lifted finger is nowhere
    this.keep(stroke);
  }

  /** Take back what is being drawn. */
  cancel() {
    if (this.stroke) this.viewer.setMask(this.stroke.number, this.stroke.before);
    this.stroke = null;
    this.corners = [];
    this.viewer.redraw();
    this.changed();
  }

  /** Painted by the viewer above everything else. @param {CanvasRenderingContext2D} context @param {number} scale */
  draw(context, scale) {
    const points = this.tool === "lasso" ? (this.stroke?.points ?? []) : this.corners;
    context.beginPath();
    for (const [x, y] of points) context.lineTo(x, y);
    if (this.tool === "polygon" && points.length) {
      if (this.pointer) context.lineTo(...this.pointer);
      context.moveTo(points[0][0] + 5 / scale, points[0][1]);
      context.arc(...points[0], 5 / scale, 0, 2 * Math.PI);
    }
    if (this.pointer && (this.tool === "brush" || this.tool === "erase")) {
      context.moveTo(this.pointer[0] + this.brush / 2, this.pointer[1]);
      context.arc(...this.pointer, this.brush / 2, 0, 2 * Math.PI);
    }
    for (const { colour, width } of [{ colour: "#000000", width: 3.5 }, { colour: "#ffffff", width: 1.5 }]) {
      context.strokeStyle = colour;
      context.lineWidth = width / scale;
      context.stroke();
    }
  }

  /** @param {Point} point */
  corner(point) {
    if (this.corners.length > 2) {
      const [[x, y]] = this.corners;
      if (Math.hypot(x - point[0], y - point[1]) * this.viewer.shown.view.scale <= CLOSE) return this.close();
    }
    this.corners.push(point);
    this.viewer.redraw();
    return this.changed();
  }

  /** Fill the polygon whose corners were set. */
  close() {
    const before = this.maskOf(this.number);
    const mask = before.slice();
    const box = this.corners.length > 2 ? fillPolygon(mask, this.size, this.corners, 1) : null;
    this.corners = [];
    this.keep({ number: this.number, before, mask, box });
  }

  /** Remove the region below a point: of the chosen class, else of the topmost that is shown. @param {Point} point */
  remove(point) {
    const [x, y] = [Math.floor(point[0]), Math.floor(point[1])];
    const shown = [...this.masks.keys()].filter((number) => this.viewer.isVisible(number)).reverse();
    for (const number of [this.number, ...shown]) {
      const before = this.maskOf(number);
      const mask = before.slice();
      const box = clearRegion(mask, this.size, x, y);
      if (box) {
        this.keep({ number, before, mask, box });
        return;
      }
    }
  }

  /** Put another mask in a class's place, as one step. @param {number} number @param {Uint8Array} mask */
  replace(number, mask) {
    const box = { left: 0, top: 0, right: this.size.width, bottom: this.size.height };
    this.keep({ number, before: this.maskOf(number), mask, box });
  }

  undo() {
    if (this.stroke) return this.cancel();
    if (!this.corners.length) return this.step(this.done, this.undone, "before");
    this.corners.pop();
    this.viewer.redraw();
    return this.changed();
  }

  redo() {
    this.step(this.undone, this.done, "after");
  }

  /** @param {Change} stroke @param {Point} from @param {Point} to */
  paint(stroke, from, to) {
    const value = this.tool === "erase" ? 0 : 1;
    stroke.box = union(stroke.box, paintLine(stroke.mask, this.size, from, to, this.brush, value));
    this.viewer.setMask(stroke.number, stroke.mask);
  }

  /** Show a changed mask, and note the step, if it is one. @param {Change} change */
  keep({ number, before, mask, box }) {
    this.viewer.setMask(number, mask);
    const record = box && { number, box, before: cut(before, this.size, box), after: cut(mask, this.size, box) };
    if (record && !same(record.before, record.after)) {
      this.done = [...this.done, record].slice(-KEPT);
      this.undone = [];
    }
    this.changed();
  }

  /** @param {Step[]} from @param {Step[]} to @param {"before"|"after"} which */
  step(from, to, which) {
    const record = from.pop();
    if (!record) return;
    const mask = this.maskOf(record.number).slice();
    paste(mask, this.size, record.box, record[which]);
    this.viewer.setMask(record.number, mask);
    to.push(record);
    this.changed();
  }
}

/** @param {Map<number, Uint8Array>} masks @param {number} number @throws {RangeError} there is no such class. */
function maskIn(masks, number) {
  const mask = masks.get(number);
  if (!mask) throw new RangeError(`the picture has no class ${number}`);
  return mask;
}

/** Whether every class has the same pixels. @param {Map<number, Uint8Array>} a @param {Map<number, Uint8Array>} b */
export function sameMasks(a, b) {
  return [...a].every(([number, mask]) => same(mask, maskIn(b, number)));
}

/** @param {Uint8Array} a @param {Uint8Array} b of the same length. */
function same(a, b) {
  for (let at = 0; at < a.length; at++) if (a[at] !== b[at]) return false;
  return true;
}
