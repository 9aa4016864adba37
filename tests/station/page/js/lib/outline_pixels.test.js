import assert from "node:assert/strict";
import { test } from "node:test";

import { paintOutline } from "#page/lib/outline_pixels.js";
import { rowRuns } from "#page/lib/row_runs.js";
import { isSet, randomMasks } from "../random.js";

/** @import { Drawn } from "../random.js" */

const [COLOUR, DARK, BEFORE] = [2, 1, 9];

/**
 * Whether any or every pixel within `by` of a place, corners included, is set.
 * @param {Drawn} drawn @param {number} x @param {number} y @param {number} by @param {"some"|"every"} which
 */
const around = (drawn, x, y, by, which = "some") => {
  const steps = Array.from({ length: 2 * by + 1 }, (_, index) => index - by);
  return steps[which]((dy) => steps[which]((dx) => isSet(drawn, x + dx, y + dy)));
};

test("an outline is what lies near the edge, half inside, half outside, its rim beyond", () => {
  for (const drawn of randomMasks(8, 60)) {
    const { mask, width, height } = drawn;
    for (const [thickness, rim] of [[1, 0], [2, 1], [3, 0], [4, 1], [5, 2]]) {
      const pixels = new Uint32Array(width * height);
      if (width > 2) pixels[1] = BEFORE; // an outline of another class: no rim covers it
      paintOutline(rowRuns(mask, height, width), pixels, width, { thickness, rim, colour: COLOUR, dark: DARK });
      const inner = Math.ceil(thickness / 2);
      const expected = Array.from(pixels, (_, at) => {
        const [x, y] = [at % width, Math.floor(at / width)];
        const before = at === 1 && width > 2 ? BEFORE : 0;
        if (around(drawn, x, y, inner, "every")) return before;
        if (around(drawn, x, y, thickness - inner)) return COLOUR;
        return around(drawn, x, y, thickness - inner + rim) && !before ? DARK : before;
      });
      assert.deepEqual(Array.from(pixels), expected);
    }
  }
});
