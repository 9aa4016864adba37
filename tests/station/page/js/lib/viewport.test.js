import assert from "node:assert/strict";
import { test } from "node:test";

import { Viewport } from "#page/lib/viewport.js";
import { randomOf, wholeOf } from "../random.js";

const MARGIN = 10;

/** @param {number} a @param {number} b */
const near = (a, b) => Math.abs(a - b) < 1e-6 * Math.max(1, Math.abs(a), Math.abs(b));

/** Along each side the image is in the middle where there is room, else it leaves no gap beyond the margin. @param {Viewport} view */
function assertInside(view) {
  for (const [from, length, room] of [
    [view.left, view.image.width * view.scale, view.screen.width],
    [view.top, view.image.height * view.scale, view.screen.height],
  ]) {
    if (length <= room - 2 * MARGIN) assert.ok(near(from, (room - length) / 2));
    else assert.ok(from <= MARGIN + 1e-6 && from + length >= room - MARGIN - 1e-6);
  }
}

/** @param {() => number} random */
function viewOf(random) {
  const view = new Viewport(wholeOf(random, 1, 2000), wholeOf(random, 1, 500));
  view.resize(wholeOf(random, 1, 1500), wholeOf(random, 1, 900));
  return view;
}

test("after any sequence of moves the image is in place, and a fitted one stays fitted", () => {
  const random = randomOf(16);
  for (let turn = 0; turn < 200; turn++) {
    const view = viewOf(random);
    for (let step = 0; step < 20; step++) {
      const [x, y] = [random() * view.screen.width, random() * view.screen.height];
      const left = random() * view.image.width;
      const top = random() * view.image.height;
      [
        () => view.zoom(0.3 + 3 * random(), x, y),
        () => view.pan(400 * random() - 200, 400 * random() - 200),
        () => view.toggle(x, y),
        () => view.resize(wholeOf(random, 1, 1500), wholeOf(random, 1, 900)),
        () => view.goTo({ left, top, right: left + 1 + 50 * random(), bottom: top + 1 + 50 * random() }),
      ][wholeOf(random, 0, 4)]();
      assertInside(view);
      if (view.fitted) {
        assert.ok(view.image.width * view.scale <= view.screen.width - 2 * MARGIN + 1);
        assert.ok(view.image.height * view.scale <= view.screen.height - 2 * MARGIN + 1);
      }
    }
  }
});

test("zooming keeps the place under the pointer, where that leaves no gap", () => {
  const view = new Viewport(1600, 256);
  view.resize(800, 600);
  view.zoom(6, 400, 300);
  const before = view.toImage(420, 310);
  view.zoom(1.7, 420, 310);
  const after = view.toImage(420, 310);
  assert.ok(near(before[0], after[0]) && near(before[1], after[1]));
});

test("toggling goes from the whole image to its shorter side in full, and back", () => {
  const view = new Viewport(1600, 256);
  view.resize(800, 600);
  view.toggle(400, 300);
  assert.deepEqual([view.fitted, view.scale], [false, 600 / 256]);
  view.toggle(400, 300);
  assert.deepEqual([view.fitted, view.scale], [true, (800 - 2 * MARGIN) / 1600]);
});

test("a place that is gone to lies in the middle", () => {
  const view = new Viewport(1600, 256);
  view.resize(800, 600);
  view.goTo({ left: 780, top: 100, right: 820, bottom: 140 });
  const [x, y] = view.toImage(400, 300);
  assert.ok(near(x, 800) && near(y, 120));
});

test("an image that is larger than the screen can be moved to each of its ends, up to the margin", () => {
  const view = new Viewport(1600, 256);
  view.resize(800, 600);
  view.zoom(20);
  view.pan(-1e6, -1e6);
  assert.ok(near(view.left + 1600 * view.scale, 800 - MARGIN) && near(view.top + 256 * view.scale, 600 - MARGIN));
  view.pan(1e6, 1e6);
  assert.deepEqual([view.left, view.top], [MARGIN, MARGIN]);
});
