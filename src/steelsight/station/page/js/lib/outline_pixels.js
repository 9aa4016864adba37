/** Outlines as pixels, for masks with so many corners that drawing their lines would take longer than a slider's step. */

/**
 * @import { RowRuns } from "./row_runs.js"
 */

const RIM = 1;
const LINE = 2;

/**
 * Paint outlines of a thickness in pixels, half inside and half outside of the mask, with a dark rim outside.
 * @param {RowRuns} runs of the mask.
 * @param {Uint32Array} pixels height * width, little-endian RGBA. @param {number} width
 * @param {{thickness: number, rim: number, colour: number, dark: number}} line thickness at least 1; rim 0: none.
 */
export function paintOutline(runs, pixels, width, { thickness, rim, colour, dark }) {
  const inner = Math.ceil(thickness / 2);
  const outer = thickness - inner;
  const height = runs.rows.length - 1;
  const level = new Uint8Array(width);
  for (let y = 0; y < height; y++) {
    const near = outer + rim;
    if (runs.rows[Math.max(y - near, 0)] === runs.rows[Math.min(y + near + 1, height)]) continue;
    level.fill(0);
    if (rim) grow(level, runs, y, near, RIM);
    grow(level, runs, y, outer, LINE);
    for (const [from, to] of inside(runs, y, inner)) level.fill(0, from, to);
    for (let x = 0, at = y * width; x < width; x++, at++) {
      if (level[x] === LINE) pixels[at] = colour;
      else if (level[x] === RIM && pixels[at] === 0) pixels[at] = dark;
    }
  }
}

/**
 * Mark what lies within `by` pixels of the mask in a row, corners included.
 * @param {Uint8Array} level of the row. @param {RowRuns} runs @param {number} y @param {number} by @param {number} value
 */
function grow(level, { rows, begins, ends }, y, by, value) {
  const last = rows[Math.min(y + by + 1, rows.length - 1)];
  for (let i = rows[Math.max(y - by, 0)]; i < last; i++) level.fill(value, Math.max(begins[i] - by, 0), ends[i] + by);
}

/**
 * What lies at least `by` pixels inside the mask in a row, as [from, to); beyond the image nothing is set.
 * @param {RowRuns} runs @param {number} y @param {number} by @returns {[from: number, to: number][]}
 */
function inside({ rows, begins, ends }, y, by) {
  if (y < by || y + by >= rows.length - 1) return [];
  /** @type {[number, number][]} */
  let spans = [];
  for (let i = rows[y]; i < rows[y + 1]; i++) if (ends[i] - begins[i] > 2 * by) spans.push([begins[i] + by, ends[i] - by]);
  for (let other = y - by; other <= y + by && spans.length; other++) {
    /** @type {[number, number][]} */
    const kept = [];
    let i = rows[other];
    for (const [from, to] of spans) {
      while (i < rows[other + 1] && ends[i] - by <= from) i++;
      for (let j = i; j < rows[other + 1] && begins[j] + by < to; j++) {
        /** @type {[number, number]} */
        const span = [Math.max(from, begins[j] + by), Math.min(to, ends[j] - by)];
        if (span[0] < span[1]) kept.push(span);
      }
    }
    spans = kept;
  }
  return spans;
}
