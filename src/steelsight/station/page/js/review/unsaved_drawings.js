/** Drawings that were left unsaved: they stay until the page is closed, which asks first. */

const kept = new Map(); // {class name: run lengths} of each image
const keyOf = ({ id, sha256 }) => `${id} ${sha256}`;

/** Keep one. @param {object} inspection @param {Object<string, string>} runs by class name. */
export const keep = (inspection, runs) => kept.set(keyOf(inspection), runs);

/** Take one up again: its run lengths, or undefined where there is none. */
export function take(inspection) {
  const runs = kept.get(keyOf(inspection));
  kept.delete(keyOf(inspection));
  return runs;
}

/** Drop one that was saved meanwhile, unless it was changed since. @param {Object<string, string>|null} runs null: whatever it is. */
export function drop(inspection, runs) {
  if (!runs || JSON.stringify(kept.get(keyOf(inspection))) === JSON.stringify(runs)) kept.delete(keyOf(inspection));
}

/** Whether a drawing on the screen is unsaved; set by the view that is open. */
let unsaved = () => false;
export const onAsked = (call) => { unsaved = call; };

window.addEventListener("beforeunload", (event) => {
  if (kept.size || unsaved()) event.preventDefault();
});
