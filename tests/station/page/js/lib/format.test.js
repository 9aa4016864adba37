import assert from "node:assert/strict";
import { test } from "node:test";

import { percent as ofCounts } from "#page/lib/charts.js";
import { percent } from "#page/lib/format.js";
import { randomOf } from "../random.js";

test("0 % is said of nothing and 100 % of all alone", () => {
  const random = randomOf(5);
  for (let turn = 0; turn < 500; turn++) {
    const all = 1 + Math.floor(random() * 10 ** (1 + Math.floor(random() * 6)));
    const some = [0, 1, all - 1, all, Math.floor(random() * all)][turn % 5];
    for (const text of [percent(some / all), ofCounts(some, all)]) {
      const shown = Number(text.replace(" %", ""));
      assert.equal(shown === 0, some === 0, `${some} of ${all}: ${text}`);
      assert.equal(shown === 100, some === all, `${some} of ${all}: ${text}`);
      assert.ok(Math.abs(shown - (100 * some) / all) <= 0.5 + 1e-9, `${some} of ${all}: ${text}`);
    }
  }
});

test("a share is short where it can be", () => {
  assert.deepEqual([0, 0.0123, 0.1234, 0.996, 0.0004, 1].map(percent), ["0 %", "1.2 %", "12 %", "99.6 %", "0.04 %", "100 %"]);
  assert.equal(ofCounts(0, 0), "–");
});
