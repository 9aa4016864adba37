/** The defect classes of an inspection: names, numbers, colours. */

/** @import { Class, Inspection, Inspector } from "./answers.js" */

/**
 * Those of its inspector, which the card knows; for another inspector's images, as the inspection names them.
 * @param {Pick<Inspection, "inspector"|"regions"|"suspected"|"runs">} inspection
 * @param {Pick<Inspector, "fingerprint"|"classes">} card
 * @returns {Class[]} by number.
 */
export function classesOf(inspection, card) {
  if (inspection.inspector === card.fingerprint) return card.classes;
  const numbers = new Map([...inspection.regions, ...inspection.suspected].map((region) => [region.class, region.number]));
  const names = Object.keys(inspection.runs);
  const taken = new Set(numbers.values());
  let free = 0;
  const nextFree = () => {
    do free++; while (taken.has(free));
    return free;
  };
  return names
    .map((name) => ({ name, number: numbers.get(name) ?? nextFree() }))
    .map(({ name, number }) => ({ name, number, colour: card.classes[(number - 1) % card.classes.length].colour }))
    .sort((a, b) => a.number - b.number);
}

/** Red, green, blue of "#e69f00". @param {string} colour */
export const rgbOf = (colour) => [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16));

/** Black or white, whichever reads better on a colour (relative luminance of WCAG 2). @param {string} colour "#e69f00" */
export function inkOn(colour) {
  const [red, green, blue] = rgbOf(colour).map((value) => {
    const v = value / 255;
    return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.179 ? "#000000" : "#ffffff";
}
