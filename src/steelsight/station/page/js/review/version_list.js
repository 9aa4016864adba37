/** What was said of an inspection so far: the inspector's masks, and every reviewer's version with who and when. */
import { h } from "../lib/dom.js";
import { saidBy, verdictOf, when } from "../lib/summary.js";

/**
 * @import { Inspection, Review } from "../lib/answers.js"
 * @import { Child } from "../lib/dom.js"
 */

/** @typedef {number|"own"} Version 0: the inspector's masks; "own": a drawing of the reader's */

/**
 * @param {Inspection} inspection @param {Review[]} reviews oldest first.
 * @param {Version} shown whose masks are shown.
 * @param {boolean} own whether there is a drawing of the reader's own to go back to.
 * @param {(version: Version) => void} show
 */
export function versionList(inspection, reviews, shown, own, show) {
  /** @param {Version} version @param {...Child} content */
  const entry = (version, ...content) =>
    h(
      "li",
      { class: version === shown ? "shown" : "" },
      h("span", {}, ...content),
      version === shown
        ? h("span", { class: "soft" }, "shown")
        : h("button", { type: "button", class: "quiet", "data-version": version, onclick: () => show(version) }, "Show"),
    );
  return h(
    "ol",
    { class: "versions" },
    entry(0, h("strong", {}, "Inspector"), " ", verdictOf(inspection), inspection.reason ? ` ${inspection.reason}` : ""),
    reviews.map((review) =>
      entry(
        review.version,
        h("strong", {}, `Version ${review.version}`),
        ` ${saidBy(review)}, `,
        when(review.at),
        review.comment ? h("q", {}, review.comment) : "",
      ),
    ),
    own ? entry("own", h("strong", {}, "Your drawing"), " not saved") : null,
  );
}
