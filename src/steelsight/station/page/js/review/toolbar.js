/** The editor's buttons: tool, class, brush, undo and redo; and how the masks are shown. */

import { inkOn } from "../lib/defect_classes.js";
import { h, swatch } from "../lib/dom.js";
import { MODES } from "../viewer/viewer.js";
import { SIZES, TOOLS } from "./editor.js";

/**
 * @import { Class } from "../lib/answers.js"
 * @import { Editor } from "./editor.js"
 */

/**
 * @param {Editor} editor
 * @returns {{element: HTMLElement, begin: (classes: Class[]) => void, refresh: () => void}} `begin` with the classes of an
 *   inspection, `refresh` after the editor has changed.
 */
export function makeToolbar(editor) {
  const { viewer } = editor;
  const tools = TOOLS.map(({ name, label, key, does }) =>
    h("button", { type: "button", "data-tool": name, title: `${does} (${key})`, onclick: () => editor.choose(name) }, label));
  /** @type {HTMLButtonElement[]} */
  let picks = [];
  const pick = h("div", { class: "segments", role: "group", "aria-label": "Class that is drawn" });
  /** @type {HTMLInputElement} */
  const range = h("input", {
    type: "range", min: SIZES.least, max: SIZES.most, "aria-label": "Brush size in pixels of the image",
    oninput: () => editor.chooseBrush(Number(range.value)),
  });
  const size = h("output");
  const brush = h("label", { class: "group brush" }, "Brush", range, size);
  const close = h("button", { type: "button", title: "Enter", onclick: () => editor.close() }, "Close polygon");
  const undo = h("button", { type: "button", title: "Ctrl+Z or u", onclick: () => editor.undo() }, "Undo");
  const redo = h("button", { type: "button", title: "Ctrl+Shift+Z", onclick: () => editor.redo() }, "Redo");
  const modes = MODES.map((mode) =>
    h("button", { type: "button", "data-mode": mode, title: `(${mode[0]})`, onclick: () => { viewer.setMode(mode); refresh(); } },
      mode[0].toUpperCase() + mode.slice(1)));
  const fit = h("button", { type: "button", title: "the whole image (0)", onclick: () => viewer.fit() }, "Fit");
  const element = h("div", { class: "drawing", role: "toolbar", "aria-label": "Drawing" },
    h("div", { class: "segments", role: "group", "aria-label": "Tool" }, tools), pick, brush,
    h("div", { class: "group" }, close, undo, redo),
    h("div", { class: "group" }, h("div", { class: "segments", role: "group", "aria-label": "Drawn as" }, modes), fit));

  /** @param {Class[]} classes */
  function begin(classes) {
    picks = classes.map((one) =>
      h("button", {
        type: "button", "data-class": one.number, title: `draw class ${one.name} (${one.number})`,
        onclick: () => editor.chooseClass(one.number),
      }, swatch(one, inkOn(one.colour)), one.name === String(one.number) ? null : one.name));
    pick.replaceChildren(...picks);
    refresh();
  }

  function refresh() {
    for (const button of tools) press(button, button.dataset.tool === editor.tool);
    for (const button of picks) press(button, Number(button.dataset.class) === editor.number);
    const heats = viewer.inspection?.has_maps ?? false;
    const mode = viewer.mode === "heat" && !heats ? "outline" : viewer.mode; // without a map that is what one sees
    for (const button of modes) {
      press(button, button.dataset.mode === mode);
      button.disabled = button.dataset.mode === "heat" && !heats;
    }
    range.value = String(editor.brush);
    size.textContent = `${editor.brush} px`;
    range.disabled = editor.tool !== "brush" && editor.tool !== "erase"; // hidden, it would move the picture below
    close.disabled = editor.corners.length < 3;
    undo.disabled = !editor.done.length && !editor.corners.length;
    redo.disabled = !editor.undone.length;
  }
  return { element, begin, refresh };
}

/** @param {HTMLElement} button @param {boolean} pressed */
function press(button, pressed) {
  button.setAttribute("aria-pressed", String(pressed));
}
