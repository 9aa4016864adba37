/** All requests to the station; what goes wrong comes back as a sentence. */

const PREFIX = "/api/v1";
const TOKEN = "steelsight-token";

/** A request that was refused or failed; `message` is a sentence, `status` 0 where the station did not answer. */
export class ApiError extends Error {
  constructor(message, status = 0, retryAfter = null) {
    super(message);
    this.status = status;
    this.retryAfter = retryAfter;
  }
}

/** Called with the sentence when the station wants a token, or another one. */
let refused = () => {};
export const onRefused = (call) => { refused = call; };

const told = []; // of the next token
let given = 0; // tokens so far

export function setToken(token) {
  given++;
  if (token) sessionStorage.setItem(TOKEN, token);
  else sessionStorage.removeItem(TOKEN);
  for (const tell of told.splice(0)) tell();
}

/** Until somebody has given another token. */
export const nextToken = () => new Promise((tell) => told.push(tell));

/**
 * Send one request; `path` is appended to /api/v1.
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
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError("The station does not answer. Is it still running, and is the network up?");
  }
  if (response.ok) return response;
  const message = await sentenceOf(response);
  if (response.status === 401) {
    if (before !== given) return request(path, options); // another was given meanwhile
    refused(token ? message : "");
  }
  const wait = Number(response.headers.get("Retry-After"));
  throw new ApiError(message, response.status, wait > 0 ? wait : null);
}

async function sentenceOf(response) {
  try {
    const { detail } = await response.json();
    if (typeof detail === "string") return detail;
    if (Array.isArray(detail)) return detail.map((one) => one.msg).join("; ");
  } catch { /* not JSON: a proxy's page, or nothing */ }
  return `The station answered with status ${response.status}.`;
}

const json = async (path, options) => (await request(path, options)).json();
const blob = async (path) => (await request(path)).blob();

/** `{a: 1, b: ["x", "y"], c: null}` -> `?a=1&b=x&b=y`; null, undefined and empty text are left out. */
export function query(fields) {
  const pairs = Object.entries(fields).flatMap(([name, value]) => [value].flat().map((one) => [name, one]));
  const text = new URLSearchParams(pairs.filter(([, value]) => value !== null && value !== undefined && value !== ""));
  return text.size ? `?${text}` : "";
}

export const card = () => json("/inspector");
export const inspection = (id) => json(`/inspections/${id}`);
export const find = (fields) => json(`/inspections${query(fields)}`);
export const image = (id) => blob(`/inspections/${id}/image`);
export const map = (id, number) => blob(`/inspections/${id}/maps/${number}.png`);
export const mask = (id, review = null) => blob(`/inspections/${id}/mask.png${query({ review })}`);
export const reviews = async (id) => (await json(`/inspections/${id}/reviews`)).reviews;
export const statistics = (fields) => json(`/statistics${query(fields)}`);
export const drift = (fields) => json(`/drift${query(fields)}`);
export const corrections = () => json("/corrections");

/** Add a reviewer's word: `{after_version, agrees, word, runs, reviewer, comment}`. */
export const review = (id, body) =>
  json(`/inspections/${id}/reviews`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });

/** A picture of the sample, as a File of its name. */
export async function sample(name) {
  const content = await blob(`/samples/${encodeURIComponent(name)}`);
  return new File([content], name, { type: content.type });
}

/** Inspect one file. */
export async function inspect(file, signal) {
  const body = new FormData();
  body.append("files", file, file.name);
  return (await json("/inspections?door=page", { method: "POST", body, signal })).inspections[0];
}

/** Fetch what is at `path` (with the token, which a plain link would not send) and hand it to the browser to save. */
export async function download(path, name) {
  const url = URL.createObjectURL(await blob(path));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
