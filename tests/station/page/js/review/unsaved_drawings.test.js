import assert from "node:assert/strict";
import { test } from "node:test";

/** The browser's window, as far as a drawing needs it. */
const page = new EventTarget();
Object.assign(globalThis, { window: page });
const drawings = await import("#page/review/unsaved_drawings.js");

const [ONE, OTHER] = [{ id: 1, sha256: "a" }, { id: 2, sha256: "b" }];

/** Whether the page asks before it is closed. */
const asks = () => !page.dispatchEvent(new Event("beforeunload", { cancelable: true }));

test("a drawing is kept until it is taken up, once, and for its own image alone", () => {
  drawings.keep(ONE, { 1: "1 5" });
  assert.equal(drawings.take(OTHER), undefined);
  assert.equal(drawings.take({ ...ONE, sha256: "b" }), undefined);
  assert.deepEqual(drawings.take(ONE), { 1: "1 5" });
  assert.equal(drawings.take(ONE), undefined);
});

test("what was saved is dropped, what was changed since is not", () => {
  drawings.keep(ONE, { 1: "1 5" });
  drawings.drop(ONE, { 1: "1 4" });
  assert.deepEqual(drawings.take(ONE), { 1: "1 5" });
  drawings.keep(ONE, { 1: "1 5" });
  drawings.drop(ONE, { 1: "1 5" });
  assert.equal(drawings.take(ONE), undefined);
  drawings.keep(ONE, { 1: "1 5" });
  drawings.drop(ONE, null);
  assert.equal(drawings.take(ONE), undefined);
});

test("the page asks before it is closed while a drawing is kept, or one on the screen is unsaved", () => {
  assert.equal(asks(), false);
  drawings.keep(ONE, { 1: "1 5" });
  assert.equal(asks(), true);
  drawings.take(ONE);
  drawings.onAsked(() => true);
  assert.equal(asks(), true);
  drawings.onAsked(() => false);
  assert.equal(asks(), false);
});
