import assert from "node:assert/strict";
import { test } from "node:test";

import { clearRegion, cut, fillPolygon, paintLine, paste, union } from "#page/lib/paint.js";
import { floodedRegions, randomMasks, randomOf, wholeOf } from "../random.js";

/** @import { Box, Point } from "#page/lib/geometry.js" */

const SIZE = { width: 19, height: 14 };

/** Places in the image and around it. @param {() => number} random @returns {Point} */
const place = (random) => [random() * (SIZE.width + 10) - 5, random() * (SIZE.height + 10) - 5];

/** @param {Uint8Array} mask @param {Box|null} box */
function assertInside(mask, box) {
  for (const [at, pixel] of mask.entries()) {
    const [x, y] = [at % SIZE.width, Math.floor(at / SIZE.width)];
    assert.ok(!pixel || (box && x >= box.left && x < box.right && y >= box.top && y < box.bottom), `pixel ${x}, ${y} is in the box`);
  }
}

test("a line sets what is near it, and what it passes", () => {
  const random = randomOf(11);
  for (let turn = 0; turn < 100; turn++) {
    const mask = new Uint8Array(SIZE.width * SIZE.height);
    const [from, to, width] = [place(random), turn % 5 ? place(random) : /** @type {Point} */ ([3, 3]), 0.2 + 6 * random()];
    const box = paintLine(mask, SIZE, from, turn % 5 ? to : from, width, 1);
    assertInside(mask, box);
    const end = turn % 5 ? to : from;
    const points = Array.from({ length: 501 }, (_, step) => [0, 1].map((axis) => from[axis] + ((end[axis] - from[axis]) * step) / 500));
    for (const [at, pixel] of mask.entries()) {
      const [x, y] = [at % SIZE.width, Math.floor(at / SIZE.width)];
      const distance = Math.min(...points.map((point) => Math.hypot(x + 0.5 - point[0], y + 0.5 - point[1])));
      if (distance < width / 2 - 0.01) assert.equal(pixel, 1);
      const isPassed = points.some((point) => Math.floor(point[0]) === x && Math.floor(point[1]) === y);
      if (pixel && !isPassed) assert.ok(distance < width / 2 + 0.01);
    }
    for (const [x, y] of [from, end].map((point) => point.map(Math.floor))) {
      if (x >= 0 && y >= 0 && x < SIZE.width && y < SIZE.height) assert.equal(mask[y * SIZE.width + x], 1);
    }
  }
});

test("a polygon sets the pixels whose centre it has around it an odd number of times", () => {
  const random = randomOf(12);
  for (let turn = 0; turn < 200; turn++) {
    const points = Array.from({ length: wholeOf(random, 3, 9) }, () => place(random));
    const mask = new Uint8Array(SIZE.width * SIZE.height);
    assertInside(mask, fillPolygon(mask, SIZE, points, 1));
    for (const [at, pixel] of mask.entries()) {
      const [x, y] = [(at % SIZE.width) + 0.5, Math.floor(at / SIZE.width) + 0.5];
      let inside = false;
      for (const [index, [x0, y0]] of points.entries()) {
        const [x1, y1] = points[(index + 1) % points.length];
        if (y0 > y !== y1 > y && x < x0 + ((y - y0) / (y1 - y0)) * (x1 - x0)) inside = !inside;
      }
      assert.equal(pixel, Number(inside));
    }
  }
});

test("a region is cleared whole, and no other", () => {
  for (const drawn of randomMasks(13, 60)) {
    const { mask, width, height } = drawn;
    const regions = floodedRegions(drawn);
    for (const region of regions.slice(0, 4)) {
      const again = mask.slice();
      const at = region[region.length - 1];
      const box = clearRegion(again, drawn, at % width, Math.floor(at / width));
      const xs = region.map((pixel) => pixel % width);
      const ys = region.map((pixel) => Math.floor(pixel / width));
      assert.deepEqual(box, { left: Math.min(...xs), top: Math.min(...ys), right: Math.max(...xs) + 1, bottom: Math.max(...ys) + 1 });
      assert.deepEqual(again, mask.map((pixel, place_) => (region.includes(place_) ? 0 : pixel)));
    }
    const empty = mask.indexOf(0);
    if (empty >= 0) assert.equal(clearRegion(mask, drawn, empty % width, Math.floor(empty / width)), null);
    for (const [x, y] of [[-1, 0], [0, -1], [width, 0], [0, height]]) assert.equal(clearRegion(mask, drawn, x, y), null);
  }
});

test("what was cut is put back, and nothing else is changed", () => {
  const random = randomOf(14);
  for (const drawn of randomMasks(15, 60)) {
    const { mask, width, height } = drawn;
    const [left, top] = [wholeOf(random, 0, width - 1), wholeOf(random, 0, height - 1)];
    const box = { left, top, right: wholeOf(random, left + 1, width), bottom: wholeOf(random, top + 1, height) };
    const part = cut(mask, drawn, box);
    const other = mask.map((pixel) => 1 - pixel);
    paste(other, drawn, box, part);
    for (const [at, pixel] of other.entries()) {
      const [x, y] = [at % width, Math.floor(at / width)];
      const isInside = x >= box.left && x < box.right && y >= box.top && y < box.bottom;
      assert.equal(pixel, isInside ? mask[at] : 1 - mask[at]);
    }
  }
});

test("a union has both boxes, whichever is there", () => {
  const [a, b] = [{ left: 1, top: 5, right: 3, bottom: 9 }, { left: 2, top: 4, right: 7, bottom: 6 }];
  assert.deepEqual(union(a, b), { left: 1, top: 4, right: 7, bottom: 9 });
  assert.deepEqual([union(a, null), union(null, b), union(null, null)], [a, b, null]);
});
