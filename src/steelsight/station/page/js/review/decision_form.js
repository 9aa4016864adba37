/** A reviewer's word: pass or reject, who says so, a comment, and whether the masks stand. */

import { h } from "../lib/dom.js";

const REVIEWER = "steelsight-reviewer";

/**
 * @param {() => void} agree called by the button that lets the masks stand. @param {() => void} correct by the other.
 * @returns {{element: HTMLFormElement, begin: (inspection: object) => void, refresh: (state: object) => void,
 *   say: (word: string) => void, said: () => {word: string|null, reviewer: string, comment: string}}}
 */
export function makeDecisionForm({ agree, correct }) {
  const word = (value, key) =>
    h("label", { class: "check word", title: `(${key})` }, h("input", { type: "radio", name: "word", value }), value);
  const reviewer = h("input", {
    name: "reviewer", autocomplete: "name", maxlength: 100, value: localStorage.getItem(REVIEWER) ?? "",
    oninput: () => localStorage.setItem(REVIEWER, reviewer.value.trim()),
  });
  const comment = h("input", { name: "comment", maxlength: 1000, autocomplete: "off" });
  const agreeing = h("button", { type: "button", class: "primary", title: "(a)", onclick: agree }, "Agree");
  const correcting = h("button", { type: "button", class: "primary", title: "(s)", onclick: correct }, "Save correction");
  const hint = h("p", { class: "soft", role: "status" });
  const element = h("form", { class: "word-form", "aria-label": "Your word" },
    h("div", { class: "field", role: "radiogroup", "aria-label": "This piece" }, h("span", {}, "This piece"),
      h("div", { class: "checks" }, word("pass", "p"), word("reject", "r"))),
    h("label", { class: "field" }, h("span", {}, "Reviewer"), reviewer),
    h("label", { class: "field wide" }, h("span", {}, "Comment"), comment),
    h("div", { class: "group" }, agreeing, correcting),
    hint);
  element.addEventListener("submit", (event) => event.preventDefault());

  /** The latest reviewer's word, else the inspector's where it is one of the two. */
  function begin({ review, verdict }) {
    const known = review?.word ?? verdict;
    for (const input of element.elements.word) input.checked = input.value === known;
    comment.value = "";
  }

  function refresh({ edited, agrees, saving }) {
    agreeing.disabled = edited || saving;
    correcting.disabled = !edited || saving;
    agreeing.textContent = agrees ? "Agree" : "Agree with this version";
    hint.textContent = edited
      ? "The masks have been changed: save the correction, or undo."
      : "Agree: the masks stand as they are shown. To correct them, draw or erase first.";
  }

  function say(value) {
    for (const input of element.elements.word) input.checked = input.value === value;
  }

  const said = () => ({
    word: element.elements.word.value || null,
    reviewer: reviewer.value.trim(),
    comment: comment.value.trim(),
  });
  return { element, begin, refresh, say, said };
}
