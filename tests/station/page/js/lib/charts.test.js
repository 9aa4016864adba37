import assert from "node:assert/strict";
import { test } from "node:test";

import { percent, roundTicks } from "#page/lib/charts.js";

test("ticks are whole, round, even, up to five, and reach the highest bar, no further than they must", () => {
  let greatest = 0;
  for (let most = 1; most < 30_000; most += Math.ceil(most / 50)) {
    const ticks = roundTicks(most);
    const step = ticks[1];
    assert.ok(ticks.every((tick, index) => Number.isInteger(tick) && tick === index * step));
    assert.match(String(step), /^[125]0*$/);
    assert.ok(ticks.length >= 2);
    greatest = Math.max(greatest, ticks.length);
    assert.ok(ticks[ticks.length - 1] >= most && ticks[ticks.length - 2] < most);
  }
  assert.equal(greatest, 5);
});

test("a share of nothing is none, a small one is not 0 %", () => {
  assert.deepEqual([percent(1, 0), percent(0, 5), percent(1, 1000), percent(1, 8), percent(8, 8)], ["–", "0 %", "0.1 %", "13 %", "100 %"]);
});
