import assert from "node:assert/strict";
import { test } from "node:test";

import { percent as ofCounts } from "#page/lib/charts.js";
import { count, level, percent, probability, size, whole } from "#page/lib/format.js";
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

test("numbers read as people write them", () => {
  assert.deepEqual([whole(12345), whole(0.6), whole(0)], ["12,345", "1", "0"]);
  assert.deepEqual([count(0, "region"), count(1, "region"), count(2000, "region")], ["0 regions", "1 region", "2,000 regions"]);
  assert.deepEqual([percent(0), percent(0.0123), percent(0.123), percent(1)], ["0 %", "1.2 %", "12 %", "100 %"]);
  assert.deepEqual([size(0), size(999), size(1000), size(32_000_000), size(5e12)], ["0 bytes", "999 bytes", "1.0 kB", "32 MB", "5000 GB"]);
  assert.deepEqual([level(0), level(127.5), level(254), level(255)], ["0.00", "0.50", "> 0.99", "1.00"]);
});

test("only what is 0 or 1 reads as 0 or 1", () => {
  assert.deepEqual([probability(0), probability(1), probability(null), probability(0.5, 2)], ["0.000", "1.000", "–", "0.50"]);
  const random = randomOf(17);
  for (let turn = 0; turn < 500; turn++) {
    const value = random() ** 8;
    for (const p of [value, 1 - value]) {
      const text = probability(p);
      if (p > 0 && p < 1) assert.ok(text !== "0.000" && text !== "1.000");
      assert.ok(Math.abs(Number(text.replace(/[<>] /, "")) - p) <= 1e-3);
    }
  }
});
