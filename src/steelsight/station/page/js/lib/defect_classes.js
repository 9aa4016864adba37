/** The defect classes of an inspection: names, numbers, colours. */

/**
 * Those of its inspector, which the card knows; for another inspector's images, as the inspection names them.
 * @returns {{name: string, number: number, colour: string}[]} by number.
 */
export function classesOf(inspection, card) {
  if (inspection.inspector === card.fingerprint) return card.classes;
  const numbers = new Map([...inspection.regions, ...inspection.suspected].map((region) => [region.class, region.number]));
  const names = Object.keys(inspection.runs);
  const free = names.map((_, index) => index + 1).filter((number) => ![...numbers.values()].includes(number));
  const colour = (number) => card.classes[(number - 1) % card.classes.length].colour;
  return names
    .map((name) => numbers.get(name) ?? free.shift())
    .map((number, index) => ({ name: names[index], number, colour: colour(number) }))
    .sort((a, b) => a.number - b.number);
}

/** Red, green, blue of "#e69f00". */
export const rgbOf = (colour) => [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16));

/** Black or white, whichever reads better on a colour (relative luminance of WCAG 2). */
export function inkOn(colour) {
  const [red, green, blue] = rgbOf(colour).map((value) => {
    const v = value / 255;
    return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.179 ? "#000000" : "#ffffff";
}
