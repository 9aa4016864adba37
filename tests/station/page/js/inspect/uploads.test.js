import assert from "node:assert/strict";
import { beforeEach, mock, test } from "node:test";

import { Uploads } from "#page/inspect/uploads.js";

const FILES = 200;
const AWAY = 120_000; // ms

/** What the network does with a request. @type {(path: string) => Promise<Response>} */
let answer = () => Promise.reject(new TypeError("network"));
/** @type {string[]} */
let asked = [];
Object.assign(globalThis, {
  sessionStorage: { getItem: () => null },
  /** @param {string} path */
  fetch: (path) => {
    asked.push(path);
    return answer(path);
  },
});
const gone = () => Promise.reject(new TypeError("network"));
/** @param {number} status */
const refused = (status) => () => Promise.resolve(Response.json({ detail: "no" }, { status }));
/** @param {string} path */
const there = (path) => Promise.resolve(Response.json(path.startsWith("/readyz") ? {} : { inspections: [{}] }));

beforeEach(() => {
  asked = [];
  mock.timers.reset();
  mock.timers.enable({ apis: ["setTimeout", "Date"], now: 1_000_000 });
});

/** Let this many ms pass, and all that happens meanwhile. @param {number} ms */
async function pass(ms) {
  for (let at = 0; at < ms; at += 500) {
    mock.timers.tick(500);
    for (let turn = 0; turn < 20; turn++) await new Promise((resume) => setImmediate(resume));
  }
}

/** @typedef {{ name: string, file: () => File }} Item */

/** Files on their way, and what became of them. */
function begin(count = FILES) {
  const said = /** @type {{ done: number, failed: Item[], away: boolean[] }} */ ({ done: 0, failed: [], away: [] });
  /** @type {Uploads<Item>} */
  const uploads = new Uploads({
    started: () => {},
    held: () => {},
    done: () => { said.done++; },
    failed: (item) => { said.failed.push(item); },
    away: (is) => { said.away.push(is); },
  });
  const items = Array.from({ length: count }, (_, at) => ({ name: `${at}.jpg`, file: () => new File(["x"], `${at}.jpg`) }));
  uploads.add(items);
  return { uploads, said };
}

/** What an outage of two minutes costs. @param {typeof answer} away what is answered meanwhile. */
async function outage(away) {
  answer = away;
  const { uploads, said } = begin();
  await pass(AWAY);
  assert.equal(said.failed.length, 4);
  assert.equal(said.done, 0);
  assert.ok(asked.length <= 4 + AWAY / 5000, `${asked.length} requests`);
  assert.deepEqual(said.away, [true]);
  answer = there;
  await pass(60_000);
  assert.equal(said.done, FILES - 4);
  assert.deepEqual(said.away, [true, false]);
  uploads.add(said.failed.splice(0));
  await pass(1000);
  assert.equal(said.done, FILES);
  assert.equal(uploads.active, 0);
}

test("a station that does not answer for two minutes costs what was on its way alone", () => outage(gone));
test("and so does one that cannot keep results", () => outage(refused(503)));
test("and one that a proxy does not find", () => outage(refused(502)));

test("of a station that says it is there and fails, one file at a time learns so", async () => {
  answer = (path) => (path.startsWith("/readyz") ? there(path) : refused(503)());
  const { said } = begin();
  await pass(60_000);
  assert.ok(said.failed.length <= 4 + 60_000 / 5000, `${said.failed.length} failed`);
  answer = there;
  await pass(60_000);
  assert.equal(said.done + said.failed.length, FILES);
});

test("what is added while the station is away waits for it, and nothing is asked when nothing waits", async () => {
  answer = gone;
  const { uploads, said } = begin(4);
  await pass(30_000);
  assert.equal(said.failed.length, 4);
  assert.equal(asked.length, 4);
  uploads.add(said.failed.splice(0));
  await pass(30_000);
  assert.equal(said.failed.length, 0);
  answer = there;
  await pass(10_000);
  assert.equal(said.done, 4);
});

test("a sample that cannot be fetched makes the others wait, too", async () => {
  answer = gone;
  /** @type {unknown[]} */
  const failed = [];
  const uploads = new Uploads({ started: () => {}, held: () => {}, done: () => {}, failed: (item) => { failed.push(item); }, away: () => {} });
  const { sample } = await import("#page/lib/api.js");
  uploads.add(Array.from({ length: 12 }, (_, at) => ({ file: () => sample(`made-up-${at}.jpg`) })));
  await pass(30_000);
  assert.equal(failed.length, 4);
});
