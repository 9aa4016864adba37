import assert from "node:assert/strict";
import { test } from "node:test";

import { closedPath, edgePath } from "#page/lib/outline.js";
import { rowRuns } from "#page/lib/row_runs.js";
import { isSet, randomMasks, randomOf, wholeOf } from "../random.js";

/** @import { Drawn } from "../random.js" */

/** What a browser's Path2D is told, as pieces of one pixel's side each: "x0,y0 x1,y1" from left to right or top to bottom. */
class Recorded {
  /** @type {string[]} */
  pieces = [];
  start = [0, 0];
  at = [0, 0];

  /** @param {number} x @param {number} y */
  moveTo(x, y) {
    this.start = this.at = [x, y];
  }

  /** @param {number} x @param {number} y */
  lineTo(x, y) {
    const [fromX, fromY] = this.at;
    assert.ok(fromX === x || fromY === y, "a line runs along the borders of pixels");
    for (let left = Math.min(fromX, x); left < Math.max(fromX, x); left++) this.pieces.push(`${left},${y} ${left + 1},${y}`);
    for (let top = Math.min(fromY, y); top < Math.max(fromY, y); top++) this.pieces.push(`${x},${top} ${x},${top + 1}`);
    this.at = [x, y];
  }

  closePath() {
    this.lineTo(this.start[0], this.start[1]);
  }
}
Object.assign(globalThis, { Path2D: Recorded });

/** @param {Path2D} path */
const piecesOf = (path) => /** @type {Recorded} */ (/** @type {unknown} */ (path)).pieces.sort((a, b) => (a < b ? -1 : 1));

/** Every side of a pixel between a set and an unset one. @param {Drawn} drawn */
function edges(drawn) {
  const pieces = [];
  for (let y = 0; y <= drawn.height; y++) {
    for (let x = 0; x <= drawn.width; x++) {
      if (isSet(drawn, x, y) !== isSet(drawn, x, y - 1)) pieces.push(`${x},${y} ${x + 1},${y}`);
      if (isSet(drawn, x, y) !== isSet(drawn, x - 1, y)) pieces.push(`${x},${y} ${x},${y + 1}`);
    }
  }
  return pieces.sort((a, b) => (a < b ? -1 : 1));
}

test("the edge is every side between set and unset pixels, once, as pieces or as closed lines", () => {
  for (const drawn of randomMasks(5, 100)) {
    const runs = rowRuns(drawn.mask, drawn.height, drawn.width);
    assert.deepEqual(piecesOf(edgePath(runs)), edges(drawn));
    assert.deepEqual(piecesOf(closedPath(runs)), edges(drawn));
  }
});

test("of the edge, all that is in view is drawn, and nothing that is no edge", () => {
  const random = randomOf(6);
  for (const drawn of randomMasks(7, 60)) {
    const [left, top] = [wholeOf(random, 0, drawn.width - 1), wholeOf(random, 0, drawn.height - 1)];
    const view = { left, top, right: wholeOf(random, left, drawn.width), bottom: wholeOf(random, top, drawn.height) };
    const found = new Set(piecesOf(edgePath(rowRuns(drawn.mask, drawn.height, drawn.width), view)));
    const all = edges(drawn);
    for (const piece of found) assert.ok(all.includes(piece));
    for (const piece of all) {
      const [x0, y0, x1, y1] = piece.split(/[ ,]/).map(Number);
      if (x0 >= view.left && y0 >= view.top && x1 <= view.right && y1 <= view.bottom) assert.ok(found.has(piece));
    }
  }
});
