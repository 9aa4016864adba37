/** A mask as runs of set pixels, row by row: what outlines and regions are found from. */

/**
 * The runs of row y are rows[y] up to rows[y + 1]; begins and ends in x, the end not included.
 * @typedef {{ rows: Int32Array, begins: Int32Array, ends: Int32Array }} RowRuns
 */

/**
 * Runs of set pixels, row by row.
 * @param {Uint8Array} mask height * width, row-major, 0 or 1. @param {number} height @param {number} width
 * @returns {RowRuns}
 */
export function rowRuns(mask, height, width) {
  const rows = new Int32Array(height + 1);
  /** @type {number[]} */
  const begins = [];
  /** @type {number[]} */
  const ends = [];
  // indexOf searches at memory speed: empty stretches, which most are, cost next to nothing
  let at = mask.indexOf(1);
  for (let y = 0; y < height; y++) {
    const from = y * width;
    const to = from + width;
    while (at >= 0 && at < to) {
      let end = mask.indexOf(0, at);
      if (end < 0 || end > to) end = to;
      begins.push(at - from);
      ends.push(end - from);
      at = mask.indexOf(1, end);
    }
    rows[y + 1] = begins.length;
  }
  return { rows, begins: Int32Array.from(begins), ends: Int32Array.from(ends) };
}
