/** The edge of a mask as a path to draw: pieces for solid lines, closed lines for dashes. */

/**
 * @import { Box } from "./geometry.js"
 * @import { RowRuns } from "./row_runs.js"
 */

/**
 * The edge between set and unset pixels as line pieces along pixel borders, in image coordinates.
 * @param {RowRuns} runs of the mask. @param {Box} inView leaves out rows and runs outside of it.
 * @returns {Path2D}
 */
export function edgePath({ rows, begins, ends }, inView = { left: 0, top: 0, right: Infinity, bottom: Infinity }) {
  const path = new Path2D();
  const height = rows.length - 1;
  const first = Math.max(0, Math.floor(inView.top) - 1);
  const last = Math.min(height, Math.ceil(inView.bottom) + 1);
  for (let y = first; y < last; y++) {
    for (let i = rows[y]; i < rows[y + 1]; i++) {
      if (ends[i] < inView.left || begins[i] > inView.right) continue;
      path.moveTo(begins[i], y);
      path.lineTo(begins[i], y + 1);
      path.moveTo(ends[i], y);
      path.lineTo(ends[i], y + 1);
    }
  }
  for (let y = first; y <= last; y++) {
    borderPieces({ rows, begins, ends }, y, height, (from, to) => {
      if (to < inView.left || from > inView.right) return;
      path.moveTo(from, y);
      path.lineTo(to, y);
    });
  }
  return path;
}

/**
 * The same edge as closed lines, each in one piece from corner to corner: dashes go on round the corners.
 * @param {RowRuns} runs of the mask. @returns {Path2D}
 */
export function closedPath({ rows, begins, ends }) {
  const height = rows.length - 1;
  const stride = ends.reduce((most, end) => Math.max(most, end), 0) + 1;
  /** Corner -> corners that edges lead to, with the set pixels on their right. @type {Map<number, number[]>} */
  const next = new Map();
  /** @type {(x0: number, y0: number, x1: number, y1: number) => void} */
  const lead = (x0, y0, x1, y1) => {
    const from = y0 * stride + x0;
    const leads = next.get(from);
    if (leads) leads.push(y1 * stride + x1);
    else next.set(from, [y1 * stride + x1]);
  };
  for (let y = 0; y <= height; y++) {
    const last = y < height ? rows[y + 1] : 0;
    for (let i = rows[y]; i < last; i++) {
      lead(begins[i], y + 1, begins[i], y);
      lead(ends[i], y, ends[i], y + 1);
    }
    borderPieces({ rows, begins, ends }, y, height, (from, to, below) => {
      if (below) lead(from, y, to, y);
      else lead(to, y, from, y);
    });
  }
  const path = new Path2D();
  for (const [start, leads] of next) {
    for (let at = leads.pop(); at !== undefined; at = leads.pop()) {
      path.moveTo(start % stride, Math.floor(start / stride));
      while (at !== start && at !== undefined) {
        path.lineTo(at % stride, Math.floor(at / stride));
        at = next.get(at)?.pop();
      }
      path.closePath();
    }
  }
  return path;
}

/**
 * Horizontal pieces between rows y - 1 and y: where exactly one of both is set.
 * @param {RowRuns} runs of the mask. @param {number} y @param {number} height
 * @param {(from: number, to: number, below: boolean) => void} piece called for each; below: the set one is row y.
 */
function borderPieces({ rows, begins, ends }, y, height, piece) {
  let i = y > 0 ? rows[y - 1] : 0;
  let j = y < height ? rows[y] : 0;
  const lastI = y > 0 ? rows[y] : 0;
  const lastJ = y < height ? rows[y + 1] : 0;
  let above = false;
  let below = false;
  let x = 0;
  while (i < lastI || j < lastJ) {
    const nextI = i < lastI ? (above ? ends[i] : begins[i]) : Infinity;
    const nextJ = j < lastJ ? (below ? ends[j] : begins[j]) : Infinity;
    const next = Math.min(nextI, nextJ);
    if (above !== below && next > x) piece(x, next, below);
    if (nextI === next) {
      if (above) i++;
      above = !above;
    }
    if (nextJ === next) {
      if (below) j++;
      below = !below;
    }
    x = next;
  }
}
