import assert from "node:assert/strict";
import { test } from "node:test";

import { startOfDay } from "#page/history/filters.js";

test("a day begins where the reader is, also when the clock is put forward or back", () => {
  const zone = process.env["TZ"];
  process.env["TZ"] = "Europe/Berlin";
  try {
    assert.equal(startOfDay("", 1), null);
    assert.equal(startOfDay("2026-03-29", 0), "2026-03-28T23:00:00.000Z");
    assert.equal(startOfDay("2026-03-29", 1), "2026-03-29T22:00:00.000Z"); // a day of 23 hours
    assert.equal(startOfDay("2026-10-25", 1), "2026-10-25T23:00:00.000Z"); // one of 25
    assert.equal(startOfDay("2026-12-31", 1), "2026-12-31T23:00:00.000Z");
  } finally {
    if (zone === undefined) delete process.env["TZ"];
    else process.env["TZ"] = zone;
  }
});
