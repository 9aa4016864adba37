import assert from "node:assert/strict";
import { test } from "node:test";

import { joined } from "#page/history/trends.js";
import { randomOf, wholeOf } from "../random.js";

/** @import { Bucket } from "#page/lib/answers.js" */

const HOUR = 3_600_000;
const MOST_BARS = 60;

test("bars follow each other without a gap, are not too many, and lose no image", () => {
  const random = randomOf(20);
  for (let turn = 0; turn < 100; turn++) {
    const per = random() < 0.5 ? "hour" : "day";
    const length = per === "hour" ? HOUR : 24 * HOUR;
    const first = Date.UTC(2026, 2, wholeOf(random, 1, 28));
    const offsets = new Set(Array.from({ length: wholeOf(random, 1, 80) }, () => wholeOf(random, 0, 300)));
    const buckets = [...offsets].map((offset) => /** @satisfies {Bucket} */ ({
      start: new Date(first + offset * length).toISOString(),
      pass: wholeOf(random, 0, 9), review: wholeOf(random, 0, 9), reject: 1, none: 0, unreadable: 0, flagged: 0,
    }));
    const { bars, each } = joined(buckets, per);
    const spread = Math.max(...offsets) - Math.min(...offsets) + 1;
    assert.equal(bars.length, Math.ceil(spread / each));
    assert.ok(bars.length <= MOST_BARS && (each === 1 || Math.ceil(spread / (each - 1)) > MOST_BARS));
    for (const [index, bar] of bars.entries()) {
      const begin = Math.min(...offsets) + index * each;
      const inside = buckets.filter((_, at) => [...offsets][at] >= begin && [...offsets][at] < begin + each);
      for (const key of /** @type {const} */ (["pass", "review", "reject"])) {
        assert.equal(bar.values[key], inside.reduce((sum, bucket) => sum + bucket[key], 0));
      }
    }
  }
});
