/** Drawing and erasing regions on the viewer: what is saved is what was drawn, pixel for pixel. */

import { clearRegion, cut, fillPolygon, paintLine, paste, union } from "../lib/paint.js";
import { encodeRuns } from "../lib/rle.js";

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
  tool = "move";
  number = 1;
  brush = SIZES.first;
  base = null; // masks at the beginning

  constructor(viewer, changed) {
    this.viewer = viewer;
    this.changed = changed;
    viewer.addEventListener("pointer", ({ detail }) => {
      if (!detail) this.pointer = null; // the brush's circle leaves the picture with the mouse
    });
    this.forget();
  }

  /** Begin on the picture that the viewer shows. @param {Map<number, Uint8Array>} masks 0 or 1, row-major. */
  begin(masks) {
    const { height, width } = this.viewer.inspection;
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

  /** Whether the masks differ from those at the beginning. */
  get edited() {
    return this.base !== null && !sameMasks(this.base, this.masks);
  }

  /** {class name: run lengths} of the masks as they are drawn, or of others of the same image. */
  runs(masks = this.masks) {
    const { height, width } = this.size;
    return Object.fromEntries(
      this.viewer.classes.map(({ name, number }) => [name, encodeRuns(masks.get(number), height, width)]),
    );
  }

  /** Take masks that were saved for the beginning. */
  saved(masks) {
    this.base = masks;
  }

  choose(tool) {
    this.cancel();
    this.tool = tool;
    this.viewer.tool = tool === "move" ? null : this;
    this.viewer.canvas.classList.toggle("drawing", tool !== "move");
    this.changed();
  }

  chooseClass(number) {
    if (!this.masks.has(number)) return;
    this.number = number;
    this.changed();
  }

  chooseBrush(pixels) {
    this.brush = Math.min(SIZES.most, Math.max(SIZES.least, Math.round(pixels)));
    this.viewer.redraw();
    this.changed();
  }

  // What the viewer calls while a tool is chosen; points are in pixels of the image.

  down(point, event) {
    this.pointer = point;
    switch (this.tool) {
      case "polygon": return this.corner(point);
      case "delete": return this.remove(point);
      default:
        this.stroke = { number: this.number, before: this.masks.get(this.number), box: null, points: [point] };
        this.stroke.mask = this.stroke.before.slice();
        return this.tool === "lasso" ? this.viewer.redraw() : this.paint(point, point, event);
    }
  }

  move(point) {
    this.pointer = point;
    if (this.stroke) {
      const last = this.stroke.points.at(-1);
      this.stroke.points.push(point);
      if (this.tool !== "lasso") this.paint(last, point);
    }
    this.viewer.redraw();
  }

  up(point, event) {
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

  /** Painted by the viewer above everything else. */
  draw(context, { view }) {
    const points = this.tool === "lasso" ? (this.stroke?.points ?? []) : this.corners;
    context.beginPath();
    for (const [x, y] of points) context.lineTo(x, y);
    if (this.tool === "polygon" && points.length) {
      if (this.pointer) context.lineTo(...this.pointer);
      context.moveTo(points[0][0] + 5 / view.scale, points[0][1]);
      context.arc(...points[0], 5 / view.scale, 0, 2 * Math.PI);
    }
    if (this.pointer && (this.tool === "brush" || this.tool === "erase")) {
      context.moveTo(this.pointer[0] + this.brush / 2, this.pointer[1]);
      context.arc(...this.pointer, this.brush / 2, 0, 2 * Math.PI);
    }
    for (const [colour, width] of [["#000000", 3.5], ["#ffffff", 1.5]]) {
      context.strokeStyle = colour;
      context.lineWidth = width / view.scale;
      context.stroke();
    }
  }

  corner(point) {
    if (this.corners.length > 2) {
      const [[x, y]] = this.corners;
      if (Math.hypot(x - point[0], y - point[1]) * this.viewer.view.scale <= CLOSE) return this.close();
    }
    this.corners.push(point);
    this.viewer.redraw();
    return this.changed();
  }

  /** Fill the polygon whose corners were set. */
  close() {
    const before = this.masks.get(this.number);
    const mask = before.slice();
    const box = this.corners.length > 2 ? fillPolygon(mask, this.size, this.corners, 1) : null;
    this.corners = [];
    this.keep({ number: this.number, before, mask, box });
  }

  /** Remove the region below a point: of the chosen class, else of the topmost that is shown. */
  remove(point) {
    const [x, y] = point.map(Math.floor);
    const shown = [...this.masks.keys()].filter((number) => this.viewer.isVisible(number)).reverse();
    for (const number of [this.number, ...shown]) {
      const before = this.masks.get(number);
      const mask = before.slice();
      const box = clearRegion(mask, this.size, x, y);
      if (box) return this.keep({ number, before, mask, box });
    }
    return undefined;
  }

  /** Put another mask in a class's place, as one step. */
  replace(number, mask) {
    const box = { left: 0, top: 0, right: this.size.width, bottom: this.size.height };
    this.keep({ number, before: this.masks.get(number), mask, box });
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

  paint(from, to) {
    const { stroke } = this;
    const value = this.tool === "erase" ? 0 : 1;
    stroke.box = union(stroke.box, paintLine(stroke.mask, this.size, from, to, this.brush, value));
    this.viewer.setMask(stroke.number, stroke.mask);
  }

  keep({ number, before, mask, box }) {
    this.viewer.setMask(number, mask);
    const record = box && { number, box, before: cut(before, this.size, box), after: cut(mask, this.size, box) };
    if (record && !same(record.before, record.after)) {
      this.done = [...this.done, record].slice(-KEPT);
      this.undone = [];
    }
    this.changed();
  }

  step(from, to, which) {
    const record = from.pop();
    if (!record) return;
    const mask = this.masks.get(record.number).slice();
    paste(mask, this.size, record.box, record[which]);
    this.viewer.setMask(record.number, mask);
    to.push(record);
    this.changed();
  }
}

/** Whether every class has the same pixels. */
export function sameMasks(a, b) {
  return [...a].every(([number, mask]) => same(mask, b.get(number)));
}

function same(a, b) {
  for (let at = 0; at < a.length; at++) if (a[at] !== b[at]) return false;
  return true;
}
