/** An inspection and what was said of it, in a few words. */

import { badge, h } from "./dom.js";
import { count, probability, time } from "./format.js";

/** @import { InspectionSummary, Review, Summary } from "./answers.js" */

const FLAGGED = "unlike the images that the inspector was trained on";

/** A time of the log in the reader's own zone, the exact one when pointed at. @param {string} iso */
export const when = (iso) => h("time", { datetime: iso, title: iso }, time(iso));

/**
 * Whether the file could be read: one whose networks gave no probability has an error as well, and can be looked at.
 * @template {Pick<InspectionSummary, "height"|"width">} Kind
 * @param {Kind} inspection @returns {inspection is Kind & {height: number, width: number}}
 */
export const isReadable = (inspection) => inspection.height !== null;

/** The inspector's verdict, or that the file could not be read. @param {InspectionSummary} inspection */
export const verdictOf = (inspection) => badge(isReadable(inspection) ? inspection.verdict : "unreadable");

/**
 * The calibrated probability of a defect where there is one, else the classifiers' mean.
 * @param {InspectionSummary} inspection
 */
export const probabilityOf = (inspection) => probability(inspection.probability ?? inspection.p_defect, 2);

/**
 * "3: 3,120 pixels", one for each class that was found, and which classes are suspected.
 * @param {Pick<Summary, "classes"|"suspected">} inspection
 */
export function foundIn(inspection) {
  const found = Object.entries(inspection.classes).filter(([, area]) => area);
  const areas = found.map(([name, area]) => `${name}: ${count(area, "pixel")}`).join(", ") || "nothing";
  const suspected = [...new Set(inspection.suspected.map((region) => region.class))];
  return suspected.length ? `${areas}; suspected: ${suspected.join(", ")}` : areas;
}

/** That the image is unlike those that were trained on, and in what; null where it is not. @param {Pick<InspectionSummary, "flags">} inspection */
export const flagOf = ({ flags }) => (flags.length ? h("span", { class: "flag", title: FLAGGED }, `unusual: ${flags.join(", ")}`) : null);

/** What a person said: "reject, masks corrected – Anna"; null where nobody has. @param {Review|null} review */
export function saidBy(review) {
  if (!review) return null;
  const masks = review.agrees ? "masks agreed" : "masks corrected";
  return `${review.word}, ${masks}${review.reviewer ? ` – ${review.reviewer}` : ""}`;
}
