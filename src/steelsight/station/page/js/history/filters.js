/** The filters of the history: a form, and what it says as fields of the request. */
import { h } from "../lib/dom.js";
import { CHANNELS } from "../lib/summary.js";

/**
 * @import { Fields } from "../lib/api.js"
 * @import { Inspector } from "../lib/answers.js"
 */

/** @typedef {{ since: string|null, until: string|null }} Dates instants, until not included; null: none is chosen */

const VERDICTS = ["pass", "review", "reject"];

/**
 * @param {Inspector} card
 * @param {() => void} changed called after every change, a moment after the last key of a text.
 * @returns {{
 *   element: HTMLFormElement, name: HTMLInputElement, fields: () => Fields, dates: () => Dates, station: () => string,
 *   offer: (stations: string[]) => void,
 * }} `name` is what is searched for; `fields` are those of GET /inspections; `dates` only since and until, of the reader's own
 *   days; `station` the chosen one, empty for all of those that are offered.
 */
export function makeFilters(card, changed) {
  /** @type {ReturnType<typeof setTimeout>|undefined} */
  let waiting;
  const later = () => {
    clearTimeout(waiting);
    waiting = setTimeout(changed, 250);
  };
  const name = h("input", { type: "search", name: "name", placeholder: "part of a file's name" });
  const since = h("input", { type: "date", name: "since" });
  const until = h("input", { type: "date", name: "until" });
  const verdicts = VERDICTS.map((verdict) => h("input", { type: "checkbox", name: "verdict", value: verdict }));
  const selects = {
    class: choice("class", "any", Object.fromEntries(card.classes.map((one) => [one.name, one.name]))),
    door: choice("door", "any", CHANNELS),
    reviewed: choice("reviewed", "any", { false: "not yet", true: "reviewed" }),
    station: choice("station", "all", {}),
    flagged: choice("flagged", "any", { true: "flagged", false: "not flagged" }),
    order: choice("order", null, { newest: "newest first", oldest: "oldest first", doubt: "most doubtful first" }),
  };
  const ofStation = labelled("Station", selects.station);
  ofStation.hidden = true;
  const element = h(
    "form",
    { class: "filters", role: "search", "aria-label": "Filters of the history", oninput: later },
    labelled("Name", name),
    h("div", { class: "field", role: "group", "aria-label": "Verdict" }, h("span", {}, "Verdict"), h("div", { class: "checks" },
      verdicts.map((input) => h("label", { class: "check" }, input, input.value)))),
    labelled("Class", selects.class),
    labelled("Channel", selects.door),
    ofStation,
    labelled("Reviewed", selects.reviewed),
    labelled("Unusual", selects.flagged),
    h("div", { class: "pair" }, labelled("From", since), labelled("To", until)),
    labelled("Order", selects.order),
    h("button", { type: "reset", class: "quiet" }, "Clear"),
  );
  element.addEventListener("reset", () => setTimeout(changed));
  element.addEventListener("submit", (event) => event.preventDefault());
  const dates = () => ({ since: startOfDay(since.value, 0), until: startOfDay(until.value, 1) });
  const fields = () => ({
    name: name.value.trim(),
    verdict: verdicts.filter(({ checked }) => checked).map(({ value }) => value),
    ...Object.fromEntries(Object.entries(selects).map(([key, { value }]) => [key, value])),
    ...dates(),
  });
  const station = () => selects.station.value;
  /** @param {string[]} stations one alone is no choice. */
  const offer = (stations) => {
    const chosen = station();
    if (chosen && !stations.includes(chosen)) stations = [...stations, chosen];
    ofStation.hidden = stations.length < 2;
    selects.station.replaceChildren(...optionsOf("all", Object.fromEntries(stations.map((one) => [one, one]))));
    selects.station.value = chosen;
  };
  return { element, name, fields, dates, station, offer };
}

/**
 * The first instant of the reader's day, or of one `after` days later; null where no day is chosen.
 * @param {string} text "2026-03-29" or empty. @param {number} after
 */
export function startOfDay(text, after) {
  if (!text) return null;
  const [year, month, day] = text.split("-").map(Number);
  return new Date(year, month - 1, day + after).toISOString();
}

/** @param {string} text @param {HTMLElement} control */
function labelled(text, control) {
  return h("label", { class: "field" }, h("span", {}, text), control);
}

/**
 * @param {string} name @param {string|null} any the entry for no choice; null: there is none.
 * @param {Record<string, string>} options
 */
function choice(name, any, options) {
  return h("select", { name }, optionsOf(any, options));
}

/** @param {string|null} any @param {Record<string, string>} options */
function optionsOf(any, options) {
  const first = any === null ? [] : [h("option", { value: "" }, any)];
  return [...first, ...Object.entries(options).map(([value, text]) => h("option", { value }, text))];
}
