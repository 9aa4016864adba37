/**
 * Drawing on masks: Uint8Array of height * width, row by row, not zero where set. Pixel (x, y) covers the square from
 * (x, y) to (x + 1, y + 1); points are in the same units. Each function writes `value` and returns the box that it may
 * have changed, {left, top, right, bottom} with right and bottom exclusive, or null where it changed nothing.
 */

/** @import { Box, Point, Size } from "./geometry.js" */

/**
 * Set the pixels whose centre lies within `width` / 2 of the line, and those that the line passes.
 * @param {Uint8Array} mask @param {Size} size @param {Point} from @param {Point} to @param {number} width @param {number} value
 */
export function paintLine(mask, size, from, to, width, value) {
  const radius = width / 2;
  const box = clip(size, {
    left: Math.floor(Math.min(from[0], to[0]) - radius),
    top: Math.floor(Math.min(from[1], to[1]) - radius),
    right: Math.ceil(Math.max(from[0], to[0]) + radius) + 1,
    bottom: Math.ceil(Math.max(from[1], to[1]) + radius) + 1,
  });
  if (!box) return null;
  const along = [to[0] - from[0], to[1] - from[1]];
  const squared = along[0] ** 2 + along[1] ** 2;
  for (let y = box.top; y < box.bottom; y++) {
    for (let x = box.left; x < box.right; x++) {
      const apart = [x + 0.5 - from[0], y + 0.5 - from[1]];
      const share = squared ? Math.min(1, Math.max(0, (apart[0] * along[0] + apart[1] * along[1]) / squared)) : 0;
      const distance = (apart[0] - share * along[0]) ** 2 + (apart[1] - share * along[1]) ** 2;
      if (distance <= radius ** 2) mask[y * size.width + x] = value;
    }
  }
  // a narrow brush may pass between centres: what the pointer touched is drawn all the same
  const steps = Math.ceil(2 * Math.hypot(...along)) || 1;
  for (let step = 0; step <= steps; step++) {
    const x = Math.floor(from[0] + (along[0] * step) / steps);
    const y = Math.floor(from[1] + (along[1] * step) / steps);
    if (x >= 0 && y >= 0 && x < size.width && y < size.height) mask[y * size.width + x] = value;
  }
  return box;
}

/**
 * Set the pixels whose centre lies inside the polygon (even-odd), its last point joined to its first.
 * @param {Uint8Array} mask @param {Size} size @param {Point[]} points @param {number} value
 */
export function fillPolygon(mask, size, points, value) {
  const xs = points.map((point) => point[0]);
  const ys = points.map((point) => point[1]);
  const box = clip(size, {
    left: Math.floor(Math.min(...xs)),
    top: Math.floor(Math.min(...ys)),
    right: Math.ceil(Math.max(...xs)),
    bottom: Math.ceil(Math.max(...ys)),
  });
  if (!box) return null;
  for (let y = box.top; y < box.bottom; y++) {
    const crossings = crossingsAt(points, y + 0.5);
    for (let pair = 0; pair + 1 < crossings.length; pair += 2) {
      const first = Math.max(0, Math.ceil(crossings[pair] - 0.5));
      const last = Math.min(size.width, Math.ceil(crossings[pair + 1] - 0.5));
      if (last > first) mask.fill(value, y * size.width + first, y * size.width + last);
    }
  }
  return box;
}

/**
 * Unset the connected region (pixels that touch by a side or a corner) that the pixel belongs to.
 * @param {Uint8Array} mask @param {Size} size @param {number} x @param {number} y
 */
export function clearRegion(mask, size, x, y) {
  if (x < 0 || y < 0 || x >= size.width || y >= size.height || !mask[y * size.width + x]) return null;
  const box = { left: x, top: y, right: x + 1, bottom: y + 1 };
  const open = [y * size.width + x];
  mask[open[0]] = 0;
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    const [column, row] = [at % size.width, Math.floor(at / size.width)];
    box.left = Math.min(box.left, column);
    box.right = Math.max(box.right, column + 1);
    box.top = Math.min(box.top, row);
    box.bottom = Math.max(box.bottom, row + 1);
    for (let next = Math.max(0, row - 1); next <= Math.min(size.height - 1, row + 1); next++) {
      for (let beside = Math.max(0, column - 1); beside <= Math.min(size.width - 1, column + 1); beside++) {
        const neighbour = next * size.width + beside;
        if (mask[neighbour]) {
          mask[neighbour] = 0;
          open.push(neighbour);
        }
      }
    }
  }
  return box;
}

/** The smallest box around both; either may be null. @param {Box|null} a @param {Box|null} b */
export function union(a, b) {
  if (!a || !b) return a || b;
  return {
    left: Math.min(a.left, b.left),
    top: Math.min(a.top, b.top),
    right: Math.max(a.right, b.right),
    bottom: Math.max(a.bottom, b.bottom),
  };
}

/** The part of a mask inside a box, row by row. @param {Uint8Array} mask @param {Size} size @param {Box} box */
export function cut(mask, size, box) {
  const wide = box.right - box.left;
  const part = new Uint8Array(wide * (box.bottom - box.top));
  for (let y = box.top; y < box.bottom; y++) {
    const start = y * size.width + box.left;
    part.set(mask.subarray(start, start + wide), (y - box.top) * wide);
  }
  return part;
}

/** Put back what `cut` took. @param {Uint8Array} mask @param {Size} size @param {Box} box @param {Uint8Array} part */
export function paste(mask, size, box, part) {
  const wide = box.right - box.left;
  for (let y = box.top; y < box.bottom; y++) {
    mask.set(part.subarray((y - box.top) * wide, (y - box.top + 1) * wide), y * size.width + box.left);
  }
}

/** Where a line across the image meets the sides, in x, sorted. @param {Point[]} points @param {number} y */
function crossingsAt(points, y) {
  /** @type {number[]} */
  const crossings = [];
  for (let index = 0; index < points.length; index++) {
    const [from, to] = [points[index], points[(index + 1) % points.length]];
    if (from[1] <= y !== to[1] <= y) {
      crossings.push(from[0] + ((y - from[1]) / (to[1] - from[1])) * (to[0] - from[0]));
    }
  }
  return crossings.sort((a, b) => a - b);
}

/** The part of a box that lies in the image; null where none does. @param {Size} size @param {Box} box */
function clip(size, box) {
  const clipped = {
    left: Math.max(0, box.left),
    top: Math.max(0, box.top),
    right: Math.min(size.width, box.right),
    bottom: Math.min(size.height, box.bottom),
  };
  return clipped.left < clipped.right && clipped.top < clipped.bottom ? clipped : null;
}
