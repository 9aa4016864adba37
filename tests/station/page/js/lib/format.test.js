import assert from "node:assert/strict";
import { test } from "node:test";

import { count, level, percent, probability, size, whole } from "#page/lib/format.js";
import { randomOf } from "../random.js";

test("numbers read as people write them", () => {
  assert.deepEqual([whole(12345), whole(0.6), whole(0)], ["12,345", "1", "0"]);
  assert.deepEqual([count(0, "region"), count(1, "region"), count(2000, "region")], ["0 regions", "1 region", "2,000 regions"]);
  assert.deepEqual([percent(0), percent(0.0123), percent(0.123), percent(1)], ["0 %", "1.2 %", "12 %", "100 %"]);
  assert.deepEqual([size(0), size(999), size(1000), size(32_000_000), size(5e12)], ["0 bytes", "999 bytes", "1.0 kB", "32 MB", "5000 GB"]);
  assert.deepEqual([level(0), level(127.5), level(255)], ["0.00", "0.50", "1.00"]);
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
