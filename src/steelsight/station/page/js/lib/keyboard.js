/** The keyboard: layers of keys, of which the topmost answers, and the list of them that `?` shows. */

import { h } from "./dom.js";

/** @typedef {(event: KeyboardEvent) => unknown} Run */
/** @typedef {Map<string, {does: string, run: Run|null}>} Keys by KeyboardEvent.key, or by two of them: "g i" */

/**
 * Adds a key; `key` as in KeyboardEvent.key; without `run` it is listed alone, and does what the browser or an element
 * makes of it.
 * @typedef {(key: string, does: string, run?: Run|null) => void} AddKey
 */

/** Keys that move or step, and may go on while they are held; any other acts once, for it may send or save. */
const REPEATS = new Set(["j", "k", "+", "-", "[", "]", "u"]);

/** @type {Keys[]} */
const layers = [];
/** @type {Keys} */
const always = new Map();
/** Of a sequence such as "g i". @type {string|null} */
let first = null;

class Keyboard {
  /**
   * Keys that answer until `close()`; only the latest layer's do, so that a dialog has the keys to itself.
   * @returns {{add: AddKey, close: () => void}}
   */
  layer() {
    /** @type {Keys} */
    const keys = new Map();
    layers.push(keys);
    return {
      add: (key, does, run = null) => { keys.set(key, { does, run }); },
      close: () => {
        const at = layers.indexOf(keys);
        if (at >= 0) layers.splice(at, 1);
      },
    };
  }

  /** A key, or two in a row ("g i"), that answers everywhere. @param {string} key @param {string} does @param {Run} run */
  always(key, does, run) {
    always.set(key, { does, run });
  }

  help() {
    if (document.querySelector("#keys")) return;
    const here = [...(layers.at(-1) ?? [])];
    const dialog = h("dialog", { id: "keys", "aria-label": "Keyboard" },
      h("h2", {}, "Keyboard"),
      table("Here", here.map(([key, { does }]) => [key, does])),
      table("Everywhere", [
        ...[...always].map(([key, { does }]) => /** @type {[string, string]} */ ([key, does])),
        ["?", "this list"],
        ["Esc", "close"],
      ]),
      h("form", { method: "dialog" }, h("button", { class: "primary" }, "Close")));
    dialog.addEventListener("close", () => dialog.remove());
    document.body.append(dialog);
    dialog.showModal();
  }
}

export const keyboard = new Keyboard();

/** @param {string} title @param {[key: string, does: string][]} keys */
function table(title, keys) {
  const shown = merged(keys);
  if (!shown.length) return null;
  return h("section", {}, h("h3", {}, title), h("dl", {}, shown.map(([names, does]) => [
    h("dt", {}, names.map((name) => h("kbd", {}, NAMES[name] ?? name))), h("dd", {}, does)])));
}

/** @type {Record<string, string>} */
const NAMES = { ArrowLeft: "←", ArrowRight: "→", ArrowUp: "↑", ArrowDown: "↓", " ": "Space" };

/**
 * Keys that do the same stand in one row.
 * @param {[key: string, does: string][]} keys @returns {[keys: string[], does: string][]}
 */
function merged(keys) {
  /** @type {Map<string, string[]>} */
  const rows = new Map();
  for (const [key, does] of keys) rows.set(does, [...(rows.get(does) ?? []), key]);
  return [...rows].map(([does, names]) => [names, does]);
}

/** Whether the focus is where letters are typed, or where they choose. @param {Event} event */
export function isTyping({ target }) {
  const typed = "input:not([type=checkbox], [type=range], [type=radio]), textarea, select";
  return target instanceof HTMLElement && target.closest(typed) !== null;
}

document.addEventListener("keydown", (event) => {
  // a browser clicks a button anew each time that a held Enter repeats itself
  const clicks = event.key === "Enter" && event.target instanceof Element && event.target.closest("button, a, summary") !== null;
  if (event.repeat && clicks) event.preventDefault();
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || isTyping(event)) return;
  if (event.key === "?") {
    keyboard.help();
    event.preventDefault();
    return;
  }
  if (document.querySelector("#keys")) return;
  const pair = first && `${first} ${event.key}`;
  first = null;
  const found = always.get(pair ?? "") ?? layers.at(-1)?.get(event.key) ?? always.get(event.key);
  if (found?.run) {
    event.preventDefault();
    if (!event.repeat || REPEATS.has(event.key)) found.run(event);
  } else if ([...always.keys()].some((key) => key.startsWith(`${event.key} `))) {
    first = event.key;
  }
});
