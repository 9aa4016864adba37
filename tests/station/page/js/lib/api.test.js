import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import * as api from "#page/lib/api.js";

/** What the browser gives: the tab's memory, and the network. @type {Map<string, string>} */
const kept = new Map();
/** @type {Request[]} */
let asked = [];
/** @type {(request: Request) => Response|Promise<Response>} */
let answer = () => Response.json({});
Object.assign(globalThis, {
  sessionStorage: {
    /** @param {string} key */
    getItem: (key) => kept.get(key) ?? null,
    /** @param {string} key @param {string} value */
    setItem: (key, value) => kept.set(key, value),
    /** @param {string} key */
    removeItem: (key) => kept.delete(key),
  },
  /** @param {string} path @param {RequestInit} options */
  fetch: (path, options) => {
    const request = new Request(new URL(path, "http://station"), options);
    asked.push(request);
    return Promise.resolve(request).then(answer);
  },
});

beforeEach(() => {
  kept.clear();
  asked = [];
});

/** @param {Promise<unknown>} request */
const refusal = async (request) => {
  try {
    await request;
  } catch (error) {
    assert.ok(error instanceof api.ApiError);
    return [error.status, error.retryAfter, error.message];
  }
  return null;
};

test("a query leaves out what is not chosen, and names a list's values one by one", () => {
  assert.equal(api.query({ a: 1, b: ["x", "y"], c: null, d: "", e: undefined, f: false, g: [] }), "?a=1&b=x&b=y&f=false");
  assert.equal(api.query({ name: "a&b=ä" }), "?name=a%26b%3D%C3%A4");
  assert.equal(api.query({ a: null }), "");
});

test("what goes wrong is a sentence, with the status and the time to wait", async () => {
  const full = { status: 429, headers: { "Retry-After": "7" } };
  answer = () => Response.json({ detail: "The station is full." }, full);
  assert.deepEqual(await refusal(api.card()), [429, 7, "The station is full."]);
  answer = () => Response.json({ detail: [{ msg: "one" }, { msg: "two" }] }, { status: 422 });
  assert.deepEqual(await refusal(api.card()), [422, null, "one; two"]);
  answer = () => new Response("<html>", { status: 502 });
  assert.deepEqual(await refusal(api.card()), [502, null, "The station answered with status 502."]);
  answer = () => { throw new TypeError("network"); };
  assert.match(String(await refusal(api.card())), /^0,,The station does not answer\./);
});

test("the token goes with every request, and one that is refused is asked for", async () => {
  /** @type {string[]} */
  const sentences = [];
  api.onRefused((sentence) => sentences.push(sentence));
  answer = (request) => request.headers.get("Authorization") === "Bearer right"
    ? Response.json({ station: "here" })
    : Response.json({ detail: "wrong token" }, { status: 401 });
  assert.equal((await refusal(api.card()))?.[0], 401);
  api.setToken("wrong");
  assert.equal((await refusal(api.card()))?.[0], 401);
  assert.equal((await refusal(api.find({}, { quiet: true })))?.[0], 401);
  assert.equal((await refusal(api.reviews(1, { quiet: true })))?.[0], 401);
  assert.deepEqual(sentences, ["", "wrong token"]);
  const given = api.nextToken();
  api.setToken("right");
  await given;
  assert.equal((await api.card()).station, "here");
});

test("a request that was on its way when another token was given is sent again with that", async () => {
  answer = (request) => {
    if (request.headers.get("Authorization") === "Bearer late") return Response.json({ station: "here" });
    api.setToken("late");
    return Response.json({ detail: "wrong token" }, { status: 401 });
  };
  assert.equal((await api.card()).station, "here");
  assert.equal(asked.length, 2);
});
