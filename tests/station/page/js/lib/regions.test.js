import assert from "node:assert/strict";
import { test } from "node:test";

import { regionsOf } from "#page/lib/regions.js";
import { rowRuns } from "#page/lib/row_runs.js";
import { floodedRegions, randomMasks } from "../random.js";

test("regions are those of a flood, the largest first", () => {
  for (const drawn of randomMasks(3, 100)) {
    const { mask, width, height } = drawn;
    const found = regionsOf(rowRuns(mask, height, width));
    const expected = floodedRegions(drawn).map((pixels) => {
      const xs = pixels.map((at) => at % width);
      const ys = pixels.map((at) => Math.floor(at / width));
      const top = Math.min(...ys);
      const peak = Math.min(...xs.filter((_, index) => ys[index] === top));
      return { area: pixels.length, left: Math.min(...xs), top, right: Math.max(...xs) + 1, bottom: Math.max(...ys) + 1, peak };
    });
    /** @param {object} region */
    const text = (region) => JSON.stringify(Object.entries(region).sort(([a], [b]) => a.localeCompare(b)));
    assert.deepEqual(found.map(text).sort((a, b) => a.localeCompare(b)), expected.map(text).sort((a, b) => a.localeCompare(b)));
    assert.ok(found.every(({ area }, index) => !index || area <= found[index - 1].area));
  }
});
