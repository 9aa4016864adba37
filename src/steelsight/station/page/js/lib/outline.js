/** What a drawing needs of a mask, found in passes over its rows: runs, the edge as a path, and connected regions. */

/**
 * Runs of set pixels, row by row.
 * @param {Uint8Array} mask height * width, row-major, 0 or 1.
 * @returns {{rows: Int32Array, begins: Int32Array, ends: Int32Array}} the runs of row y are rows[y] up to rows[y + 1];
 *   begins and ends in x, the end not included.
 */
export function rowRuns(mask, height, width) {
  const rows = new Int32Array(height + 1);
  const begins = [];
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

/**
 * The edge between set and unset pixels as line pieces along pixel borders, in image coordinates.
 * @param {{left: number, top: number, right: number, bottom: number}} [inView] leaves out rows and runs outside of it.
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
 * @returns {Path2D}
 */
export function closedPath({ rows, begins, ends }) {
  const height = rows.length - 1;
  const stride = ends.reduce((most, end) => Math.max(most, end), 0) + 1;
  const next = new Map(); // corner -> corners that edges lead to, with the set pixels on their right
  const lead = (x0, y0, x1, y1) => {
    const from = y0 * stride + x0;
    if (next.has(from)) next.get(from).push(y1 * stride + x1);
    else next.set(from, [y1 * stride + x1]);
  };
  for (let y = 0; y <= height; y++) {
    for (let i = rows[y]; y < height && i < rows[y + 1]; i++) {
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
    while (leads.length) {
      path.moveTo(start % stride, Math.floor(start / stride));
      for (let at = leads.pop(); at !== start; at = next.get(at).pop()) path.lineTo(at % stride, Math.floor(at / stride));
      path.closePath();
    }
  }
  return path;
}

/**
 * Horizontal pieces between rows y - 1 and y: where exactly one of both is set.
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

/**
 * The connected region (8 neighbours) that each run belongs to.
 * @returns {Int32Array} for each run the number of one of its region's runs, the same for all of a region.
 */
function regionOfRuns({ rows, begins, ends }) {
  const parent = Int32Array.from(begins, (_, i) => i);
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
 * Connected regions (8 neighbours), largest first.
 * @returns {{area: number, left: number, top: number, right: number, bottom: number, peak: number}[]} right and bottom not
 *   included; peak: x of the first pixel of the top row.
 */
export function regionsOf(runs) {
  return [...gather(runs).values()].sort((a, b) => b.area - a.area);
}

/** Every connected region by its number in `regionOfRuns`. */
function gather({ rows, begins, ends }, of = regionOfRuns({ rows, begins, ends })) {
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

/**
 * Unset all but the largest connected regions of a mask, in place.
 * @param {Uint8Array} mask height * width, row-major, 0 or 1.
 * @param {{least: number, most: number}} kept regions of `least` pixels or more, at most `most` of them.
 * @returns {Uint8Array} the mask.
 */
export function keepLargest(mask, height, width, { least, most }) {
  const runs = rowRuns(mask, height, width);
  const of = regionOfRuns(runs);
  const order = [...gather(runs, of)].sort(([, a], [, b]) => b.area - a.area || a.left - b.left || a.top - b.top);
  const kept = new Set(order.filter(([, { area }]) => area >= least).slice(0, most).map(([number]) => number));
  for (let y = 0; y < height; y++) {
    for (let i = runs.rows[y]; i < runs.rows[y + 1]; i++) {
      if (!kept.has(of[i])) mask.fill(0, y * width + runs.begins[i], y * width + runs.ends[i]);
    }
  }
  return mask;
}
