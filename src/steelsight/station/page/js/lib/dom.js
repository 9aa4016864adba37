/** Making elements; text is always text, never HTML. */

/**
 * `h("button", {class: "quiet", type: "button", onclick: run}, "Reset")`: properties that begin with "on" listen, `null`
 * and `false` are left out, `true` is an attribute without value.
 * @param {...(Node|string|number|null|undefined|false|Array)} children
 */
export function h(name, properties = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else element.setAttribute(key, value === true ? "" : value);
  }
  const given = children.flat(Infinity).filter((one) => one !== null && one !== undefined && one !== false);
  element.append(...given.map((one) => (one instanceof Node ? one : String(one))));
  return element;
}

/** A sentence in a frame; read out at once where it is an error. @param {"info"|"error"} kind */
export const notice = (text, kind = "info") =>
  h("p", { class: `notice ${kind}`, role: kind === "error" ? "alert" : "status" }, text);

/** A verdict as shape and word. @param {string|null} verdict null: the inspector has no policy. */
export function badge(verdict) {
  const word = verdict ?? "no verdict";
  return h("span", { class: `badge ${verdict ?? "none"}` }, h("span", { class: "shape", "aria-hidden": "true" }), word);
}

/** A class's colour with its number in it. @param {{number: number, colour: string}} defectClass */
export function swatch({ number, colour }, ink) {
  const element = h("span", { class: "swatch", "aria-hidden": "true" }, number);
  element.style.backgroundColor = colour;
  element.style.color = ink;
  return element;
}
