/** Where to look beside what was found: `steelsight.cascade.suspect`, to the last pixel. */

import { regionOfRuns } from "./regions.js";
import { rowRuns } from "./row_runs.js";
import { countAbove } from "./rule.js";

/** @import { Rule } from "./answers.js" */
/** @import { RowRuns } from "./row_runs.js" */

/** @typedef {{ values: Uint8Array, histogram: Uint32Array }} LevelMap probability times 255, row-major, and pixels of each level */
/** @typedef {{ runs: RowRuns, of: Int32Array }} Regions the runs of a mask, and the number of the region of each */
/**
 * A connected region: its class, from 0, and number; sum and greatest of its levels; `begin`: its first pixel, down the columns.
 * @typedef {{ index: number, number: number, regions: Regions, area: number, sum: number, peak: number, begin: number }} Place
 */

/** Of `steelsight.cascade.suspect`: the part of the minimum area or of the image; how many; levels that show nothing. */
const LEAST = 4;
const OF_IMAGE = 2048;
const MOST = 5;
const UNSEEN = 2;

/**
 * What is suspected in an image that does not pass, class by class.
 * @param {Pick<Rule, "min_area">} rule of the card. @param {LevelMap[]} maps of all classes, in their order.
 * @param {number[]} lower threshold of each. @param {boolean[]} found whether each has a mask.
 * @param {number} height @param {number} width
 * @returns {Uint8Array[]} a mask of 0 or 1 for each class, as long as its map.
 */
export function suspectMasks(rule, maps, lower, found, height, width) {
  const size = { height, width };
  const places = maps.flatMap((map, index) => (found[index] ? [] : placesAbove(map, index, lower[index], size)
    .filter(({ area }) => area >= leastSuspected(rule.min_area[index], size))));
  const marked = maps.filter((_, index) => found[index]).map(greatestOf);
  const greatest = Math.max(0, ...marked, ...places.map(({ peak }) => peak));
  const few = places.filter(({ peak }) => 2 * peak >= greatest).sort(strongerFirst).slice(0, MOST);
  const chosen = few.length || found.includes(true) ? few : strongestPlace(maps, size);
  return maps.map(({ values }, index) => drawn(chosen.filter((place) => place.index === index), values.length, width));
}

/** Pixels that a suspected region has at least. @param {number} minArea @param {{ height: number, width: number }} size */
function leastSuspected(minArea, { height, width }) {
  return Math.max(1, Math.min(Math.ceil(minArea / LEAST), Math.floor((height * width) / OF_IMAGE)));
}

/**
 * The region above half of the greatest level of all maps, around it; none where that shows nothing.
 * @param {LevelMap[]} maps @param {{ height: number, width: number }} size @returns {Place[]}
 */
function strongestPlace(maps, size) {
  const each = maps.map(greatestOf);
  const greatest = Math.max(...each);
  if (greatest <= UNSEEN) return [];
  const index = each.indexOf(greatest);
  return placesAbove(maps[index], index, Math.max(Math.floor(greatest / 2), UNSEEN), size)
    .filter(({ peak }) => peak === greatest).sort(strongerFirst).slice(0, 1);
}

/** @param {Place} one @param {Place} other */
function strongerFirst(one, other) {
  return other.sum - one.sum || one.index - other.index || one.begin - other.begin;
}

/** The greatest level of a map. @param {LevelMap} map */
function greatestOf({ histogram }) {
  let level = histogram.length - 1;
  while (level > 0 && !histogram[level]) level--;
  return level;
}

/**
 * The connected regions (8 neighbours) above a level.
 * @param {LevelMap} map @param {number} index of its class. @param {number} level
 * @param {{ height: number, width: number }} size @returns {Place[]}
 */
function placesAbove({ values, histogram }, index, level, { height, width }) {
  if (!countAbove(histogram, level)) return []; // most maps of a strip
  const runs = rowRuns(values.map((value) => (value > level ? 1 : 0)), height, width);
  const regions = { runs, of: regionOfRuns(runs) };
  /** @type {Map<number, Place>} */
  const places = new Map();
  for (let y = 0; y < height; y++) {
    for (let i = runs.rows[y]; i < runs.rows[y + 1]; i++) {
      const number = regions.of[i];
      const place = places.get(number) ?? { index, number, regions, area: 0, sum: 0, peak: 0, begin: Infinity };
      place.begin = Math.min(place.begin, runs.begins[i] * height + y);
      place.area += runs.ends[i] - runs.begins[i];
      for (const value of values.subarray(y * width + runs.begins[i], y * width + runs.ends[i])) {
        place.sum += value;
        place.peak = Math.max(place.peak, value);
      }
      places.set(number, place);
    }
  }
  return [...places.values()];
}

/** Some regions of one map, as a mask. @param {Place[]} places @param {number} length @param {number} width */
function drawn(places, length, width) {
  const mask = new Uint8Array(length);
  for (const { number, regions: { runs, of } } of places) {
    for (let y = 0; y < runs.rows.length - 1; y++) {
      for (let i = runs.rows[y]; i < runs.rows[y + 1]; i++) {
        if (of[i] === number) mask.fill(1, y * width + runs.begins[i], y * width + runs.ends[i]);
      }
    }
  }
  return mask;
}
