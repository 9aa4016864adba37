/** All requests to the station; what goes wrong comes back as a sentence. */

/**
 * @import {
 *   Corrections, Drift, History, Inspection, Inspections, Inspector, RegionOfInterest, Review, ReviewRequest, Reviews,
 *   Statistics,
 * } from "./answers.js"
 */

/** @typedef {string|number|boolean|null|undefined} Field */
/** Of `fetch`; `quiet`: nobody waits for the answer, and nobody is asked for a token. @typedef {RequestInit & { quiet?: boolean }} Options */
/** @typedef {Record<string, Field|string[]>} Fields of a query; null, undefined and "" are left out */

export const AWAY = "The station does not answer. Is it still running, and is the network up?";
/** Of an answer that says that the station is not there, or not ready: none at all, a proxy's, or its own. */
export const AWAY_STATUSES = [0, 502, 503, 504];
const PATIENCE = 10_000; // ms for the answer whether the station is there
const PREFIX = "/api/v1";
const TOKEN = "steelsight-token";

/** A request that was refused or failed; `message` is a sentence, `status` 0 where the station did not answer. */
export class ApiError extends Error {
  /**
   * @param {string} message @param {number} status of HTTP.
   * @param {number|null} retryAfter seconds that the station asks for.
   */
  constructor(message, status = 0, retryAfter = null) {
    super(message);
    this.status = status;
    this.retryAfter = retryAfter;
  }
}

/** Called with the sentence when the station wants a token, or another one. @type {(sentence: string) => void} */
let refused = () => {};
/** @param {(sentence: string) => void} call */
export const onRefused = (call) => { refused = call; };

/** Waited for with the inspector's fingerprint, and whether this station's answer is new, before an inspection is given. @type {(fingerprint: string, fresh: boolean) => Promise<void>} */
let met = () => Promise.resolve();
/** @param {typeof met} call */
export const onInspector = (call) => { met = call; };

/** @type {(() => void)[]} told of the next token */
const told = [];
let given = 0; // tokens so far

/** @param {string} token empty: none. */
export function setToken(token) {
  given++;
  if (token) sessionStorage.setItem(TOKEN, token);
  else sessionStorage.removeItem(TOKEN);
  for (const tell of told.splice(0)) tell();
}

/** Until somebody has given another token. @returns {Promise<void>} */
export const nextToken = () => new Promise((tell) => { told.push(tell); });

/**
 * Send one request; `path` is appended to /api/v1.
 * @param {string} path @param {Options} options
 * @returns {Promise<Response>} of status 2xx. @throws {ApiError}
 */
export async function request(path, options = {}) {
  const headers = new Headers(options.headers);
  const token = sessionStorage.getItem(TOKEN);
  const before = given;
  if (token) headers.set("Authorization", `Bearer ${token}`);
  let response;
  try {
    response = await fetch(PREFIX + path, { ...options, headers, cache: "no-store" });
  } catch {
    throw new ApiError(AWAY);
  }
  if (response.ok) return response;
  const message = await sentenceOf(response);
  if (response.status === 401) {
    if (before !== given) return request(path, options); // another was given meanwhile
    if (!options.quiet) refused(token ? message : "");
  }
  const wait = Number(response.headers.get("Retry-After"));
  throw new ApiError(message, response.status, wait > 0 ? wait : null);
}

/** Whether the station is there, with its networks, and can write images and log. @returns {Promise<boolean>} */
export async function isReady() {
  try {
    const { status } = await fetch("/readyz", { cache: "no-store", signal: AbortSignal.timeout(PATIENCE) });
    return !AWAY_STATUSES.includes(status);
  } catch {
    return false;
  }
}

/** @param {Response} response */
async function sentenceOf(response) {
  try {
    /** @type {unknown} */
    const said = await response.json();
    const { detail } = /** @type {{ detail?: string|{ msg: string }[] }} */ (said);
    if (typeof detail === "string") return detail;
    if (Array.isArray(detail)) return detail.map(({ msg }) => msg).join("; ");
  } catch { /* not JSON: a proxy's page, or nothing */ }
  return `The station answered with status ${response.status}.`;
}

/** @param {string} path @param {Options} [options] @returns {Promise<unknown>} */
const json = async (path, options) => (await request(path, options)).json();
/** @param {string} path */
const blob = async (path) => (await request(path)).blob();

/**
 * `{a: 1, b: ["x", "y"], c: null}` -> `?a=1&b=x&b=y`; null, undefined and empty text are left out.
 * @param {Fields} fields
 */
export function query(fields) {
  const pairs = new URLSearchParams();
  for (const [name, values] of Object.entries(fields)) {
    for (const value of [values].flat()) {
      if (value !== null && value !== undefined && value !== "") pairs.append(name, String(value));
    }
  }
  const text = pairs.toString();
  return text ? `?${text}` : "";
}

export const card = async () => /** @type {Inspector} */ (await json("/inspector"));
/** @param {number} id */
export async function inspection(id) {
  const found = /** @type {Inspection} */ (await json(`/inspections/${id}`));
  await met(found.inspector, false);
  return found;
}
/** @param {Fields} fields @param {Options} [options] */
export const find = async (fields, options) => /** @type {History} */ (await json(`/inspections${query(fields)}`, options));
/** @param {number} id */
export const image = (id) => blob(`/inspections/${id}/image`);
/** @param {number} id */
export const region = async (id) => /** @type {RegionOfInterest} */ (await json(`/inspections/${id}/region`));
/** @param {number} id @param {number} number of the class. */
export const map = (id, number) => blob(`/inspections/${id}/maps/${number}.png`);
/** @param {number} id @param {Options} [options] */
export const reviews = async (id, options) => /** @type {Reviews} */ (await json(`/inspections/${id}/reviews`, options)).reviews;
/** @param {Fields} fields */
export const statistics = async (fields) => /** @type {Statistics} */ (await json(`/statistics${query(fields)}`));
export const drift = async () => /** @type {Drift} */ (await json("/drift"));
export const corrections = async () => /** @type {Corrections} */ (await json("/corrections"));

/** Add what a reviewer decided. @param {number} id @param {ReviewRequest} body */
export async function review(id, body) {
  const said = await json(`/inspections/${id}/reviews`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  return /** @type {Review} */ (said);
}

/** A picture of the sample, as a File of its name. @param {string} name */
export async function sample(name) {
  const content = await blob(`/samples/${encodeURIComponent(name)}`);
  return new File([content], name, { type: content.type });
}

/** Inspect one file. @param {File} file */
export async function inspect(file) {
  const body = new FormData();
  body.append("files", file, file.name);
  const { inspections } = /** @type {Inspections} */ (await json("/inspections?door=page", { method: "POST", body }));
  await met(inspections[0].inspector, true);
  return inspections[0];
}

/**
 * Fetch what is at `path` (with the token, which a plain link would not send) and hand it to the browser to save.
 * @param {string} path @param {string} name of the file.
 */
export async function download(path, name) {
  const url = URL.createObjectURL(await blob(path));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
