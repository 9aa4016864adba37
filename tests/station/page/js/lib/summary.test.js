import assert from "node:assert/strict";
import { test } from "node:test";

import { foundIn, isReadable, probabilityOf, saidBy, tryWords } from "#page/lib/summary.js";

/** @import { RegionSummary, Review } from "#page/lib/answers.js" */

/** @type {Review} */
const REVIEW = { version: 1, at: "2026-01-01T00:00:00Z", reviewer: "Anna", agrees: false, word: "reject", runs: {}, comment: "" };

/** @param {string} name @returns {RegionSummary} */
const region = (name) => ({ class: name, number: 1, left: 0, top: 0, width: 1, height: 1, area: 1, probability: 1 });

test("what was found is said by class, what is suspected once each", () => {
  assert.equal(foundIn({ classes: { 1: 0, 2: 0 }, suspected: [] }), "nothing found");
  assert.equal(foundIn({ classes: { 1: 1, 2: 0, 3: 3120 }, suspected: [] }), "class 1: 1 px, class 3: 3,120 px");
  assert.equal(foundIn({ classes: { 3: 5 }, suspected: [region("1"), region("1"), region("2")] }), "class 3: 5 px; suspected: class 1, 2");
});

test("P(defect) is the one that the reason names, and not the calibrated one", () => {
  const inspection = { p_defect: 0.706, probability: 0.29 };
  assert.equal(probabilityOf(inspection), "0.71");
});

test("a review is said in a few words", () => {
  assert.equal(saidBy(null), null);
  assert.equal(saidBy(REVIEW), "reject, masks corrected – Anna");
  assert.equal(saidBy({ ...REVIEW, agrees: true, word: "pass", reviewer: "" }), "pass, masks agreed");
});

test("a file was read where its size is known", () => {
  assert.deepEqual([isReadable({ height: 256, width: 1600 }), isReadable({ height: null, width: null })], [true, false]);
});

test("strips that the station draws are called made up before one tries them", () => {
  assert.equal(tryWords(["made-up-01.jpg", "made-up-02.jpg"]), "Try 2 made-up strips");
  assert.equal(tryWords(["made-up-01.jpg", "line2.jpg"]), "Try the sample (2 images)");
  assert.equal(tryWords(["line2.jpg"]), "Try the sample (1 image)");
});
