import assert from "node:assert/strict";
import { test } from "node:test";

import { foundIn, isReadable, saidBy } from "#page/lib/summary.js";

/** @import { RegionSummary, Review } from "#page/lib/answers.js" */

/** @type {Review} */
const REVIEW = { version: 1, at: "2026-01-01T00:00:00Z", reviewer: "Anna", agrees: false, word: "reject", runs: {}, comment: "" };

/** @param {string} name @returns {RegionSummary} */
const region = (name) => ({ class: name, number: 1, left: 0, top: 0, width: 1, height: 1, area: 1, probability: 1 });

test("what was found is said by class, what is suspected once each", () => {
  assert.equal(foundIn({ classes: { 1: 0, 2: 0 }, suspected: [] }), "nothing");
  assert.equal(foundIn({ classes: { 1: 1, 2: 0, 3: 3120 }, suspected: [] }), "1: 1 pixel, 3: 3,120 pixels");
  assert.equal(foundIn({ classes: { 3: 5 }, suspected: [region("1"), region("1"), region("2")] }), "3: 5 pixels; suspected: 1, 2");
});

test("a review is said in a few words", () => {
  assert.equal(saidBy(null), null);
  assert.equal(saidBy(REVIEW), "reject, masks corrected – Anna");
  assert.equal(saidBy({ ...REVIEW, agrees: true, word: "pass", reviewer: "" }), "pass, masks agreed");
});

test("a file was read where its size is known", () => {
  assert.deepEqual([isReadable({ height: 256, width: 1600 }), isReadable({ height: null, width: null })], [true, false]);
});
