/** Making elements; text is always text, never HTML. */

/** @import { Verdict } from "./answers.js" */

/** @typedef {string|number|boolean|null|undefined} Attribute */
/** @typedef {{ [K in keyof HTMLElementEventMap as `on${K}`]?: (event: HTMLElementEventMap[K]) => unknown }} Listeners */
/** @typedef {Node|string|number|null|undefined|false} Leaf null, undefined and false are left out */
/** @typedef {Leaf|(Leaf|Leaf[])[]} Child */

/**
 * `h("button", {class: "quiet", type: "button", onclick: run}, "Reset")`: properties that begin with "on" listen, `null`
 * and `false` are left out, `true` is an attribute without value.
 * @template {keyof HTMLElementTagNameMap} Name
 * @param {Name} name
 * @param {Listeners & Record<string, Attribute | ((event: never) => unknown)>} properties
 * @param {...Child} children
 */
export function h(name, properties = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") element.addEventListener(key.slice(2), /** @type {EventListener} */ (value));
    else element.setAttribute(key, value === true ? "" : String(value));
  }
  element.append(...nodesOf(children));
  return element;
}

/**
 * Children in one list, those that are left out gone.
 * @param {Child[]} children
 * @returns {(Node|string)[]}
 */
export function nodesOf(children) {
  return children
    .flat(2)
    .filter((leaf) => leaf !== null && leaf !== undefined && leaf !== false)
    .map((leaf) => (leaf instanceof Node ? leaf : String(leaf)));
}

/**
 * The element of the page that a selector names. @template {Element} Kind
 * @param {string} selector @param {new () => Kind} kind
 * @throws {TypeError} there is none such.
 */
export function only(selector, kind) {
  const element = document.querySelector(selector);
  if (!(element instanceof kind)) throw new TypeError(`the page has no ${selector}`);
  return element;
}

/**
 * What a canvas is painted through. @param {HTMLCanvasElement} canvas
 * @throws {TypeError} the browser gives none.
 */
export function contextOf(canvas) {
  const context = canvas.getContext("2d");
  if (!context) throw new TypeError("the browser gives no canvas to paint on");
  return context;
}

/**
 * A sentence in a frame; read out at once where it is an error.
 * @param {string} text @param {"info"|"error"} kind
 * @param {(() => unknown)|null} again what a button "Try again" does; null: there is none.
 */
export const notice = (text, kind = "info", again = null) =>
  h("p", { class: `notice ${kind}`, role: kind === "error" ? "alert" : "status" }, text,
    again && [" ", h("button", { type: "button", class: "link", onclick: () => again() }, "Try again")]);

/** A verdict as shape and word. @param {Verdict|"unreadable"|null} verdict null: the inspector has no policy. */
export function badge(verdict) {
  const word = verdict ?? "no verdict";
  return h("span", { class: `badge ${verdict ?? "none"}` }, h("span", { class: "shape", "aria-hidden": "true" }), word);
}

/**
 * A class's colour with its number in it.
 * @param {{number: number, colour: string}} defectClass @param {string} ink colour of the number.
 */
export function swatch({ number, colour }, ink) {
  const element = h("span", { class: "swatch", "aria-hidden": "true" }, number);
  element.style.backgroundColor = colour;
  element.style.color = ink;
  return element;
}
