/** Random cases, the same at every run, and masks for people to read. */

/** Numbers in [0, 1) from a seed (mulberry32, Tommy Ettinger, public domain). @param {number} seed @returns {() => number} */
export function randomOf(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A whole number from `least` to `most`, both included. @param {() => number} random @param {number} least @param {number} most */
export const wholeOf = (random, least, most) => least + Math.floor(random() * (most - least + 1));

/** @typedef {{ mask: Uint8Array, width: number, height: number }} Drawn */

/**
 * Masks of all sizes and densities, empty and full ones among them.
 * @param {number} seed @param {number} count
 * @returns {Drawn[]}
 */
export function randomMasks(seed, count) {
  const random = randomOf(seed);
  return Array.from({ length: count }, (_, index) => {
    const [width, height] = [wholeOf(random, 1, 17), wholeOf(random, 1, 13)];
    const share = [0, 0.1, 0.4, 0.7, 1][index % 5];
    return { mask: Uint8Array.from({ length: width * height }, () => Number(random() < share)), width, height };
  });
}

/** Whether a pixel is set; beyond the image nothing is. @param {Drawn} drawn @param {number} x @param {number} y */
export const isSet = ({ mask, width, height }, x, y) =>
  x >= 0 && y >= 0 && x < width && y < height && mask[y * width + x] === 1;

/**
 * Connected regions by flood (8 neighbours), each the pixels that it has: y * width + x.
 * @param {Drawn} drawn
 * @returns {number[][]}
 */
export function floodedRegions(drawn) {
  const { mask, width } = drawn;
  const left = new Set(Array.from(mask.keys()).filter((at) => mask[at]));
  const regions = [];
  for (const first of left) {
    left.delete(first);
    const region = [first];
    for (const at of region) { // which grows meanwhile
      for (const [dx, dy] of [[-1, -1], [0, -1], [1, -1], [-1, 0], [1, 0], [-1, 1], [0, 1], [1, 1]]) {
        const [x, y] = [(at % width) + dx, Math.floor(at / width) + dy];
        if (isSet(drawn, x, y) && left.delete(y * width + x)) region.push(y * width + x);
      }
    }
    regions.push(region);
  }
  return regions;
}
