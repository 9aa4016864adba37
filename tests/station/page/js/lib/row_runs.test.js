import assert from "node:assert/strict";
import { test } from "node:test";

import { rowRuns } from "#page/lib/row_runs.js";
import { isSet, randomMasks } from "../random.js";

test("the runs of a row are its longest stretches of set pixels", () => {
  for (const drawn of randomMasks(2, 100)) {
    const { mask, width, height } = drawn;
    const { rows, begins, ends } = rowRuns(mask, height, width);
    assert.deepEqual([rows.length, rows[0], rows[height]], [height + 1, 0, begins.length]);
    for (let y = 0; y < height; y++) {
      const expected = [];
      for (let x = 0; x < width; x++) {
        if (!isSet(drawn, x, y) || isSet(drawn, x - 1, y)) continue;
        let end = x;
        while (isSet(drawn, end, y)) end++;
        expected.push([x, end]);
      }
      const found = Array.from(begins.slice(rows[y], rows[y + 1]), (begin, index) => [begin, ends[rows[y] + index]]);
      assert.deepEqual(found, expected);
    }
  }
});
