import assert from "node:assert/strict";
import { test } from "node:test";

import { classesOf, inkOn, rgbOf } from "#page/lib/defect_classes.js";
import { randomOf, wholeOf } from "../random.js";

/** @import { Region } from "#page/lib/answers.js" */

const CARD = {
  fingerprint: "ab",
  classes: [{ name: "1", number: 1, colour: "#e69f00" }, { name: "2", number: 2, colour: "#56b4e9" }],
};

/** @param {string} name @param {number} number @returns {Region} */
const region = (name, number) =>
  ({ class: name, number, left: 0, top: 0, width: 1, height: 1, area: 1, probability: 1, polygons: [] });

test("this inspector's classes are those of its card", () => {
  const inspection = { inspector: "ab", regions: [region("2", 2)], suspected: [], runs: { 1: "", 2: "1 1" } };
  assert.equal(classesOf(inspection, CARD), CARD.classes);
});

test("another inspector's have the numbers that their regions say, and each a number of its own", () => {
  const random = randomOf(18);
  for (let turn = 0; turn < 100; turn++) {
    const names = Array.from({ length: wholeOf(random, 1, 6) }, (_, index) => `class ${index}`);
    const numbers = names.map((_, index) => index + 1).sort(() => random() - 0.5);
    const known = names.flatMap((name, index) => (random() < 0.5 ? [region(name, numbers[index])] : []));
    const middle = wholeOf(random, 0, known.length);
    const runs = Object.fromEntries(names.map((name) => [name, ""]));
    const found = classesOf({ inspector: "cd", regions: known.slice(0, middle), suspected: known.slice(middle), runs }, CARD);
    assert.deepEqual(found.map(({ number }) => number), names.map((_, index) => index + 1));
    assert.deepEqual(new Set(found.map(({ name }) => name)), new Set(names));
    for (const one of known) assert.equal(found.find(({ name }) => name === one.class)?.number, one.number);
    for (const { number, colour } of found) assert.equal(colour, CARD.classes[(number - 1) % 2].colour);
  }
});

test("the ink on any colour stands out by 4.5 to 1: WCAG 2, level AA", () => {
  /** @param {string} colour */
  const light = (colour) => {
    const [red, green, blue] = rgbOf(colour).map((value) => (value <= 10 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05;
  };
  assert.deepEqual(rgbOf("#e69f00"), [230, 159, 0]);
  const random = randomOf(19);
  for (let turn = 0; turn < 500; turn++) {
    const colour = `#${wholeOf(random, 0, 0xffffff).toString(16).padStart(6, "0")}`;
    const [dim, bright] = [light(colour), light(inkOn(colour))].sort((a, b) => a - b);
    assert.ok(bright / dim >= 4.5, colour);
  }
});
