/** The connected regions of a mask (8 neighbours). */

/**
 * @import { Box } from "./geometry.js"
 * @import { RowRuns } from "./row_runs.js"
 */

/** @typedef {Box & { area: number, peak: number }} MaskRegion area in pixels; peak: x of the first pixel of the top row */

/**
 * Connected regions (8 neighbours), largest first.
 * @param {RowRuns} runs of the mask. @returns {MaskRegion[]}
 */
export function regionsOf(runs) {
  return [...gather(runs).values()].sort((a, b) => b.area - a.area);
}

/**
 * The connected region (8 neighbours) that each run belongs to.
 * @param {RowRuns} runs of the mask.
 * @returns {Int32Array} for each run the number of one of its region's runs, the same for all of a region.
 */
export function regionOfRuns({ rows, begins, ends }) {
  const parent = Int32Array.from(begins, (_, i) => i);
  /** @param {number} i */
  const root = (i) => {
    while (parent[i] !== i) i = parent[i] = parent[parent[i]];
    return i;
  };
  for (let y = 1; y < rows.length - 1; y++) {
    let above = rows[y - 1];
    for (let i = rows[y]; i < rows[y + 1]; i++) {
      while (above < rows[y] && ends[above] < begins[i]) above++;
      for (let k = above; k < rows[y] && begins[k] <= ends[i]; k++) parent[root(i)] = root(k);
    }
  }
  return parent.map((_, i) => root(i));
}

/**
 * Every connected region by its number in `regionOfRuns`.
 * @param {RowRuns} runs of the mask.
 * @returns {Map<number, MaskRegion>}
 */
function gather({ rows, begins, ends }) {
  const of = regionOfRuns({ rows, begins, ends });
  /** @type {Map<number, MaskRegion>} */
  const found = new Map();
  for (let y = 0; y < rows.length - 1; y++) {
    for (let i = rows[y]; i < rows[y + 1]; i++) {
      const region = found.get(of[i]) ?? { area: 0, left: Infinity, top: y, right: 0, bottom: 0, peak: begins[i] };
      region.area += ends[i] - begins[i];
      region.left = Math.min(region.left, begins[i]);
      region.right = Math.max(region.right, ends[i]);
      region.bottom = y + 1;
      found.set(of[i], region);
    }
  }
  return found;
}
