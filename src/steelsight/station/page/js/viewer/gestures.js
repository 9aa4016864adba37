/** Wheel, pointers and keys of a viewer: zoom, pan, pinch, and the hand-over of pointers to a tool. */

/**
 * @import { Point } from "../lib/geometry.js"
 * @import { Viewport } from "../lib/viewport.js"
 * @import { Viewer } from "./viewer.js"
 */

const STEP = 1.3;
const PANNED = 0.15; // of the screen, per arrow key

/**
 * Listen on the viewer's canvas and element. With `viewer.tool` set, the first pointer's main button is the tool's; the
 * middle or right button, two fingers, and the space bar held down still pan.
 * @param {Viewer} viewer @param {HTMLCanvasElement} canvas
 */
export function listen(viewer, canvas) {
  /** @type {Map<number, Point>} */
  const pointers = new Map();
  let spaceHeld = false;
  /** While a pointer is down. @type {"tool"|"pan"|null} */
  let owner = null;
  /** @param {MouseEvent} event @returns {Point} */
  const at = (event) => {
    const box = canvas.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  /** @param {"down"|"move"|"up"} name @param {PointerEvent} event */
  const tell = (name, event) => viewer.tool?.[name](viewer.toImage(event.clientX, event.clientY), event);

  canvas.addEventListener("wheel", (event) => {
    if (!viewer.view) return;
    event.preventDefault();
    const lines = event.deltaMode === 1 ? 16 : 1;
    viewer.view.zoom(Math.exp(-event.deltaY * lines * (event.ctrlKey ? 0.01 : 0.0018)), ...at(event));
    viewer.moved();
  }, { passive: false });

  canvas.addEventListener("pointerdown", (event) => {
    if (!viewer.view) return;
    viewer.element.focus({ preventScroll: true });
    canvas.setPointerCapture(event.pointerId);
    pointers.set(event.pointerId, at(event));
    if (pointers.size === 2 && owner === "tool") tell("up", event);
    const drawing = viewer.tool && event.button === 0 && !spaceHeld && pointers.size === 1;
    owner = drawing ? "tool" : "pan";
    if (drawing) tell("down", event);
    canvas.classList.toggle("panning", owner === "pan");
    event.preventDefault();
  });

  canvas.addEventListener("pointermove", (event) => {
    if (!viewer.view) return;
    viewer.pointed(event);
    const before = pointers.get(event.pointerId);
    if (!before || owner === "tool") {
      tell("move", event);
      return;
    }
    const now = at(event);
    const other = [...pointers].find(([id]) => id !== event.pointerId);
    if (other) pinch(viewer.view, before, now, other[1]);
    else viewer.view.pan(now[0] - before[0], now[1] - before[1]);
    pointers.set(event.pointerId, now);
    viewer.moved();
  });

  /** @param {PointerEvent} event */
  const lifted = (event) => {
    if (!pointers.delete(event.pointerId)) return;
    if (owner === "tool") tell("up", event);
    if (!pointers.size) owner = null;
    canvas.classList.remove("panning");
  };
  canvas.addEventListener("pointerup", lifted);
  canvas.addEventListener("pointercancel", lifted);
  canvas.addEventListener("pointerleave", () => viewer.pointed(null));
  canvas.addEventListener("contextmenu", (event) => viewer.tool && event.preventDefault());
  canvas.addEventListener("dblclick", (event) => {
    if (!viewer.view || viewer.tool) return;
    viewer.view.toggle(...at(event));
    viewer.moved();
  });

  viewer.element.addEventListener("keydown", (event) => {
    if (event.key === " ") {
      spaceHeld = true;
      event.preventDefault(); // it would scroll the page
    }
    if (!viewer.view || event.ctrlKey || event.metaKey || event.altKey) return;
    if (!pressed(viewer.view, event.key)) return;
    event.preventDefault();
    viewer.moved();
  });
  viewer.element.addEventListener("keyup", (event) => { if (event.key === " ") spaceHeld = false; });
  viewer.element.addEventListener("blur", () => { spaceHeld = false; }); // it may be let go elsewhere
}

/**
 * Keep both fingers over the places that they hold.
 * @param {Viewport} view @param {Point} before of the finger that moved. @param {Point} now @param {Point} other finger's place
 */
function pinch(view, before, now, other) {
  /** @type {(a: Point, b: Point) => number} */
  const apart = (a, b) => Math.max(Math.hypot(a[0] - b[0], a[1] - b[1]), 1);
  /** @type {(a: Point, b: Point) => Point} */
  const middle = (a, b) => [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2];
  const [fromX, fromY] = middle(before, other);
  const [toX, toY] = middle(now, other);
  view.pan(toX - fromX, toY - fromY);
  view.zoom(apart(now, other) / apart(before, other), toX, toY);
}

/** Whether the key was one of the view's. @param {Viewport} view @param {string} key */
function pressed(view, key) {
  const { width, height } = view.screen;
  switch (key) {
    case "+": case "=": view.zoom(STEP); return true;
    case "-": case "_": view.zoom(1 / STEP); return true;
    case "0": view.fit(); return true;
    case "ArrowLeft": view.pan(width * PANNED, 0); return true;
    case "ArrowRight": view.pan(-width * PANNED, 0); return true;
    case "ArrowUp": view.pan(0, height * PANNED); return true;
    case "ArrowDown": view.pan(0, -height * PANNED); return true;
    default: return false;
  }
}
