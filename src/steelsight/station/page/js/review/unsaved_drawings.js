/** Drawings that were left unsaved: they stay until the page is closed, which asks first. */

/**
 * @import { Inspection } from "../lib/answers.js"
 */

/** @typedef {Pick<Inspection, "id"|"sha256">} Which */
/** @typedef {Record<string, string>} Runs run lengths by class name */

/** Of each image. @type {Map<string, Runs>} */
const kept = new Map();
/** @param {Which} inspection */
const keyOf = ({ id, sha256 }) => `${id} ${sha256}`;

/** Keep one. @param {Which} inspection @param {Runs} runs */
export const keep = (inspection, runs) => { kept.set(keyOf(inspection), runs); };

/** Take one up again: its run lengths, or undefined where there is none. @param {Which} inspection */
export function take(inspection) {
  const runs = kept.get(keyOf(inspection));
  kept.delete(keyOf(inspection));
  return runs;
}

/**
 * Drop one that was saved meanwhile, unless it was changed since.
 * @param {Which} inspection @param {Runs|null} runs that were saved; null: whatever it is.
 */
export function drop(inspection, runs) {
  if (!runs || JSON.stringify(kept.get(keyOf(inspection))) === JSON.stringify(runs)) kept.delete(keyOf(inspection));
}

/** Whether a drawing on the screen is unsaved; set by the view that is open. */
let unsaved = () => false;
/** @param {() => boolean} call */
export const onAsked = (call) => { unsaved = call; };

window.addEventListener("beforeunload", (event) => {
  if (kept.size || unsaved()) event.preventDefault();
});
