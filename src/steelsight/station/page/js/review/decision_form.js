/** A reviewer's decision: pass or reject, who says so, a comment, and whether the masks stand. */

import { h } from "../lib/dom.js";

/**
 * @import { Inspection, Person, Review } from "../lib/answers.js"
 */

/** @typedef {Review["word"]} Decision */
/** @typedef {{ decision: Decision|null, reviewer: string, comment: string }} Said */

/**
 * @typedef {{
 *   element: HTMLFormElement,
 *   begin: (inspection: Inspection) => void,
 *   refresh: (state: { edited: boolean, agrees: boolean, saving: boolean }) => void,
 *   say: (decision: Decision) => void,
 *   said: () => Said,
 * }} DecisionForm
 */

/** @type {Decision[]} */
const DECISIONS = ["pass", "reject"];
const REVIEWER = "steelsight-reviewer";

/**
 * @param {Person|null} person whose token this is: the station puts their name into the review, whatever is sent.
 * @param {{agree: () => unknown, correct: () => unknown}} called agree: by the button that lets the masks stand; correct: by
 *   the other.
 * @returns {DecisionForm}
 */
export function makeDecisionForm(person, { agree, correct }) {
  const choices = DECISIONS.map((value) => h("input", { type: "radio", name: "decision", value }));
  /** @type {HTMLInputElement} */
  const reviewer = h("input", {
    name: "reviewer", autocomplete: "name", maxlength: 100, readonly: person !== null,
    value: person?.name ?? localStorage.getItem(REVIEWER) ?? "",
    oninput: () => localStorage.setItem(REVIEWER, reviewer.value.trim()),
  });
  const comment = h("input", { name: "comment", maxlength: 1000, autocomplete: "off" });
  const agreeing = h("button", { type: "button", class: "primary", title: "(a)", onclick: agree }, "Agree");
  const correcting = h("button", { type: "button", class: "primary", title: "(s)", onclick: correct }, "Save correction");
  const hint = h("p", { class: "soft", role: "status" });
  const element = h("form", { class: "decision-form", "aria-label": "Your decision" },
    h("div", { class: "field", role: "radiogroup", "aria-label": "This piece" }, h("span", {}, "This piece"),
      h("div", { class: "checks" }, choices.map((input) =>
        h("label", { class: "check decision", title: `(${input.value[0]})` }, input, input.value)))),
    h("label", { class: "field" }, h("span", {}, "Reviewer"), reviewer),
    h("label", { class: "field wide" }, h("span", {}, "Comment"), comment),
    h("div", { class: "group" }, agreeing, correcting),
    hint);
  element.addEventListener("submit", (event) => event.preventDefault());

  /**
   * The latest reviewer's decision, else the inspector's verdict where it is one of the two.
   * @param {Inspection} inspection
   */
  function begin({ review, verdict }) {
    const known = review?.word ?? verdict;
    for (const input of choices) input.checked = input.value === known;
    comment.value = "";
  }

  /** @type {DecisionForm["refresh"]} */
  function refresh({ edited, agrees, saving }) {
    agreeing.disabled = edited || saving;
    correcting.disabled = !edited || saving;
    agreeing.textContent = agrees ? "Agree" : "Agree with this version";
    hint.textContent = edited
      ? "The masks have been changed: save the correction, or undo."
      : "Agree: the masks stand as they are shown. To correct them, draw or erase first.";
  }

  /** @param {Decision} decision */
  function say(decision) {
    for (const input of choices) input.checked = input.value === decision;
  }

  const said = () => ({
    decision: DECISIONS.find((_, index) => choices[index].checked) ?? null,
    reviewer: reviewer.value.trim(),
    comment: comment.value.trim(),
  });
  return { element, begin, refresh, say, said };
}
