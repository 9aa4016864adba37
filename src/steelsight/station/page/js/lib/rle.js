/**
 * Masks as run lengths and back: "start length start length ...", column-major, starts counted from 1, as the Severstal
 * competition writes them and `steelsight.imaging.rle` reads them.
 */

/**
 * Draw run lengths as a mask.
 * @param {string} text may be empty: nothing is set.
 * @param {number} height @param {number} width of the image in pixels.
 * @returns {Uint8Array} height * width, row-major, 0 or 1.
 */
export function decodeRuns(text, height, width) {
  const mask = new Uint8Array(height * width);
  const numbers = text.trim() ? text.trim().split(/\s+/) : [];
  for (let i = 0; i + 1 < numbers.length; i += 2) {
    const start = Number(numbers[i]) - 1;
    const end = start + Number(numbers[i + 1]);
    if (!(start >= 0 && end <= mask.length)) throw new RangeError(`run ${numbers[i]} ${numbers[i + 1]} leaves the image`);
    let x = Math.floor(start / height);
    let y = start - x * height;
    for (let at = start; at < end; at++) {
      mask[y * width + x] = 1;
      if (++y === height) { y = 0; x++; }
    }
  }
  return mask;
}

/**
 * Find the runs of a mask: the longest ones, so that no two are adjacent.
 * @param {Uint8Array} mask height * width, row-major; set where not zero. @param {number} height @param {number} width
 * @returns {string} empty where nothing is set.
 */
export function encodeRuns(mask, height, width) {
  /** @type {number[]} */
  const numbers = [];
  let start = -1;
  for (let x = 0; x < width; x++) {
    for (let y = 0, at = x; y < height; y++, at += width) {
      const here = x * height + y;
      if (mask[at]) {
        if (start < 0) start = here;
      } else if (start >= 0) {
        numbers.push(start + 1, here - start);
        start = -1;
      }
    }
  }
  if (start >= 0) numbers.push(start + 1, height * width - start);
  return numbers.join(" ");
}

/** Number of set pixels. @param {Uint8Array} mask 0 or 1. */
export function areaOf(mask) {
  let area = 0;
  for (let i = 0; i < mask.length; i++) area += mask[i];
  return area;
}
