import assert from "node:assert/strict";
import { test } from "node:test";

import { decodeRuns } from "#page/lib/rle.js";
import { histogramOf } from "#page/lib/rule.js";
import { suspectMasks } from "#page/lib/suspect.js";
import { PYTHON } from "../python_says.js";

/** @param {number[]} runs a level, how many pixels have it, and so on. @param {number} pixels */
function levelsOf(runs, pixels) {
  const values = new Uint8Array(pixels);
  for (let at = 0, i = 0; i < runs.length; at += runs[i + 1], i += 2) values.fill(runs[i], at, at + runs[i + 1]);
  return values;
}

test("what is suspected is as steelsight.cascade.suspect has it", () => {
  const seen = { faint: 0, marked: 0, nothing: 0, several: 0 };
  for (const { height, width, maps, rule, found, suspected, is_faint: isFaint } of PYTHON.suspected) {
    const levels = maps.map((runs) => {
      const values = levelsOf(runs, height * width);
      return { values, histogram: histogramOf(values) };
    });
    const masks = suspectMasks(rule, levels, rule.lower, found, height, width);
    assert.deepEqual(masks, suspected.map((runs) => decodeRuns(runs, height, width)));
    seen.faint += Number(isFaint);
    seen.marked += Number(found.includes(true));
    seen.nothing += Number(!suspected.some(Boolean));
    seen.several += Number(suspected.filter(Boolean).length > 1);
  }
  assert.ok(Object.values(seen).every((cases) => cases > 2), JSON.stringify(seen));
});
