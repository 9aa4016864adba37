/** The rule that cuts a mask out of a probability map: `steelsight.rule.rule`, to the last bit. */

/** @import { Rule } from "./answers.js" */

/** @typedef {{ upper: number, lower: number }} Threshold 0..255 each */

/**
 * What a soft gate multiplies minimum areas with; 1 where the gate is hard.
 * @param {number} softness at least 1. @param {number} pDefect in [0, 1].
 */
export function areaScale(softness, pDefect) {
  return 1 + (softness - 1) * (1 - pDefect);
}

/**
 * How many pixels must exceed the upper threshold before a class counts in an image.
 * @param {Pick<Rule, "softness"|"min_area">} rule of the card. @param {number} index of the class, from 0.
 * @param {number} pDefect what the classifiers say together.
 * @returns {number} pixels, a whole number.
 */
export function leastArea(rule, index, pDefect) {
  const scale = areaScale(rule.softness, pDefect);
  let least = Math.max(1, Math.floor(rule.min_area[index] * scale) - 1);
  while (least / scale < rule.min_area[index]) least++;
  return least;
}

/** Pixels of each value. @param {Uint8Array} map @returns {Uint32Array} 256 counts. */
export function histogramOf(map) {
  const counts = new Uint32Array(256);
  for (let i = 0; i < map.length; i++) counts[map[i]]++;
  return counts;
}

/** Pixels strictly above a value. @param {Uint32Array} histogram of 256 counts. @param {number} value */
export function countAbove(histogram, value) {
  let count = 0;
  for (let v = value + 1; v < 256; v++) count += histogram[v];
  return count;
}

/**
 * Whether a class keeps its mask.
 * @param {Pick<Rule, "gate"|"softness"|"min_area">} rule of the card.
 * @param {number} index of the class, from 0. @param {number} pDefect what the classifiers say together.
 * @param {Uint32Array} histogram of its map. @param {number} upper threshold.
 */
export function keepsMask(rule, index, pDefect, histogram, upper) {
  return pDefect > rule.gate && countAbove(histogram, upper) / areaScale(rule.softness, pDefect) >= rule.min_area[index];
}

/**
 * Cut one class's mask: every pixel above `lower`, if enough pixels exceed `upper` (strictly above, both).
 * @param {Pick<Rule, "gate"|"softness"|"min_area">} rule of the card.
 * @param {number} index of the class, from 0.
 * @param {number} pDefect what the classifiers say together.
 * @param {Uint8Array} map probability times 255, row-major.
 * @param {Uint32Array} histogram of that map.
 * @param {Threshold} threshold
 * @returns {Uint8Array} 0 or 1, as long as the map.
 */
export function cutMask(rule, index, pDefect, map, histogram, { upper, lower }) {
  const mask = new Uint8Array(map.length);
  if (!keepsMask(rule, index, pDefect, histogram, upper)) return mask;
  for (let i = 0; i < map.length; i++) mask[i] = map[i] > lower ? 1 : 0;
  return mask;
}
