import assert from "node:assert/strict";
import { test } from "node:test";

import { countAbove, cutMask, histogramOf, leastArea } from "#page/lib/rule.js";
import { maskOf, PYTHON } from "../python_says.js";
import { randomOf, wholeOf } from "../random.js";

test("masks are cut as steelsight.rule.rule cuts them", () => {
  for (const { rule, p_defect: p, map, mask } of PYTHON.rules) {
    const values = Uint8Array.from(map);
    const threshold = { upper: rule.upper[0], lower: rule.lower[0] };
    assert.deepEqual(cutMask(rule, 0, p, values, histogramOf(values), threshold), maskOf(mask));
  }
});

test("the least area that is said is the least one that the rule keeps", () => {
  const random = randomOf(9);
  for (let turn = 0; turn < 300; turn++) {
    const rule = { gate: 0, softness: 1 + 9 * random(), min_area: [wholeOf(random, 1, 3000)] };
    const p = random();
    const least = leastArea(rule, 0, p);
    for (const found of [least - 1, least]) {
      const map = new Uint8Array(least).fill(255, 0, found);
      const mask = cutMask(rule, 0, p || 1, map, histogramOf(map), { upper: 254, lower: 254 });
      assert.equal(mask.includes(1), found === least && found > 0);
    }
  }
});

test("a histogram has every pixel, and counts what is strictly above", () => {
  const random = randomOf(10);
  const map = Uint8Array.from({ length: 2000 }, () => wholeOf(random, 0, 255));
  const histogram = histogramOf(map);
  for (let value = 0; value < 256; value++) {
    assert.equal(histogram[value], map.filter((pixel) => pixel === value).length);
    assert.equal(countAbove(histogram, value), map.filter((pixel) => pixel > value).length);
  }
});
