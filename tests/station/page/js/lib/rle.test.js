import assert from "node:assert/strict";
import { test } from "node:test";

import { areaOf, decodeRuns, encodeRuns } from "#page/lib/rle.js";
import { maskOf, PYTHON } from "../python_says.js";
import { randomMasks } from "../random.js";

test("run lengths are those of steelsight.imaging.rle, both ways", () => {
  for (const { height, width, pixels, runs } of PYTHON.masks) {
    assert.deepEqual(decodeRuns(runs, height, width), maskOf(pixels));
    assert.equal(encodeRuns(maskOf(pixels), height, width), runs);
  }
});

test("every mask comes back, and the runs have its area", () => {
  for (const { mask, width, height } of randomMasks(1, 100)) {
    const runs = encodeRuns(mask, height, width);
    assert.deepEqual(decodeRuns(runs, height, width), mask);
    const lengths = runs.split(" ").filter((_, index) => index % 2).map(Number);
    assert.equal(lengths.reduce((sum, length) => sum + length, 0), areaOf(mask));
  }
});

test("runs that leave the image are refused", () => {
  for (const runs of ["0 1", "-1 2", "6 2", "1 7", "x 1", "1 x"]) assert.throws(() => decodeRuns(runs, 2, 3), RangeError);
  assert.equal(areaOf(decodeRuns("1 6", 2, 3)), 6);
});
