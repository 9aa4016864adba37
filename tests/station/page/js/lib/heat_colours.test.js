import assert from "node:assert/strict";
import { test } from "node:test";

import { HEAT, heatColour } from "#page/lib/heat_colours.js";
import { PYTHON } from "../python_says.js";

const NEAR = 3; // of 255: the stops were measured on another set of points

test("the scale is matplotlib's inferno", () => {
  for (const [index, colour] of PYTHON.inferno.entries()) {
    const ours = heatColour(index / (PYTHON.inferno.length - 1));
    for (const channel of [0, 1, 2]) assert.ok(Math.abs(ours[channel] - colour[channel]) <= NEAR);
  }
});

test("the likelier, the brighter and the less clear", () => {
  const read = Array.from(HEAT, (pixel) => [pixel & 255, (pixel >>> 8) & 255, (pixel >>> 16) & 255, pixel >>> 24]);
  const light = read.map(([red, green, blue]) => 0.2126 * red + 0.7152 * green + 0.0722 * blue);
  for (let value = 1; value < 256; value++) {
    assert.ok(light[value] > light[value - 1] - 0.5);
    assert.ok(read[value][3] >= read[value - 1][3]);
    assert.deepEqual(read[value].slice(0, 3), heatColour(value / 255));
  }
});
