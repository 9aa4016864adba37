/** The filters of the history: a form, and what it says as fields of the request. */
import { h } from "../lib/dom.js";

const VERDICTS = ["pass", "review", "reject"];
const DOORS = { page: "page", http: "HTTP", watch: "watched folder" };

/**
 * @param {object} card of the inspector.
 * @param {() => void} changed called after every change, a moment after the last key of a text.
 * @returns {{element: HTMLFormElement, fields: () => object, dates: () => object}} `fields` are those of GET /inspections;
 *   `dates` only since and until, as UTC instants of the reader's own days, until not included.
 */
export function makeFilters(card, changed) {
  let waiting = 0;
  const later = () => {
    clearTimeout(waiting);
    waiting = setTimeout(changed, 250);
  };
  const classes = Object.fromEntries(card.classes.map(({ name }) => [name, name]));
  const element = h(
    "form",
    { class: "filters", role: "search", "aria-label": "Filters of the history", oninput: later },
    labelled("Name", h("input", { type: "search", name: "name", placeholder: "part of a file's name" })),
    h("div", { class: "field", role: "group", "aria-label": "Verdict" }, h("span", {}, "Verdict"), h("div", { class: "checks" },
      VERDICTS.map((verdict) =>
        h("label", { class: "check" }, h("input", { type: "checkbox", name: "verdict", value: verdict }), verdict)))),
    labelled("Class", choice("class", "any", classes)),
    labelled("Door", choice("door", "any", DOORS)),
    labelled("Reviewed", choice("reviewed", "any", { false: "not yet", true: "reviewed" })),
    labelled("Unusual", choice("flagged", "any", { true: "flagged", false: "not flagged" })),
    labelled("From", h("input", { type: "date", name: "since" })),
    labelled("To", h("input", { type: "date", name: "until" })),
    labelled("Order", choice("order", null, { newest: "newest first", oldest: "oldest first", doubt: "most doubtful first" })),
    h("button", { type: "reset", class: "quiet" }, "Clear"),
  );
  element.addEventListener("reset", () => setTimeout(changed));
  element.addEventListener("submit", (event) => event.preventDefault());
  const dates = () => ({
    since: startOfDay(element.elements.since.value, 0),
    until: startOfDay(element.elements.until.value, 1),
  });
  const fields = () => {
    const said = new FormData(element);
    return {
      name: said.get("name").trim(),
      verdict: said.getAll("verdict"),
      class: said.get("class"),
      door: said.get("door"),
      reviewed: said.get("reviewed"),
      flagged: said.get("flagged"),
      order: said.get("order"),
      ...dates(),
    };
  };
  return { element, fields, dates };
}

/** The first instant of the reader's day, or of one `after` days later; null where no day is chosen. */
function startOfDay(text, after) {
  if (!text) return null;
  const [year, month, day] = text.split("-").map(Number);
  return new Date(year, month - 1, day + after).toISOString();
}

function labelled(text, control) {
  return h("label", { class: "field" }, h("span", {}, text), control);
}

function choice(name, any, options) {
  const entries = Object.entries(options);
  return h(
    "select",
    { name },
    any === null ? null : h("option", { value: "" }, any),
    entries.map(([value, text]) => h("option", { value }, text)),
  );
}
