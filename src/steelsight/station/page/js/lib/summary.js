/** An inspection and what was said of it, in a few words. */

import { badge, h, notice } from "./dom.js";
import { count, probability, time, whole } from "./format.js";

/** @import { InspectionSummary, Inspector, Review, Summary } from "./answers.js" */

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

/** P(defect), the one that the verdict's reason names. @param {Pick<InspectionSummary, "p_defect">} inspection */
export const probabilityOf = (inspection) => probability(inspection.p_defect, 2);

/** How an image came: of each channel, in the table and among its filters. */
export const CHANNELS = { page: "page", http: "HTTP", watch: "watched folder" };

/**
 * "class 3: 3,120 px", one for each class that was found, and which classes are suspected.
 * @param {Pick<Summary, "classes"|"suspected">} inspection
 */
export function foundIn(inspection) {
  const found = Object.entries(inspection.classes).filter(([, area]) => area);
  const areas = found.map(([name, area]) => `class ${name}: ${whole(area)} px`).join(", ") || "nothing found";
  const suspected = [...new Set(inspection.suspected.map((region) => region.class))];
  return suspected.length ? `${areas}; suspected: class ${suspected.join(", ")}` : areas;
}

/** That the image is unlike those that were trained on, and in what; null where it is not. @param {Pick<InspectionSummary, "flags">} inspection */
export const flagOf = ({ flags }) => (flags.length ? h("span", { class: "flag", title: FLAGGED }, `unusual: ${flags.join(", ")}`) : null);

/** What a person said: "reject, masks corrected – Anna"; null where nobody has. @param {Review|null} review */
export function saidBy(review) {
  if (!review) return null;
  const masks = review.agrees ? "masks agreed" : "masks corrected";
  return `${review.word}, ${masks}${review.reviewer ? ` – ${review.reviewer}` : ""}`;
}

/** That an inspector knows made-up steel only; nothing of any other. @param {Pick<Inspector, "made_up">} card */
export const madeUpOf = ({ made_up: madeUp }) => (madeUp
  ? [notice("This ready inspector knows made-up steel only. What it says of real steel means nothing.", "info")]
  : []);

/** What the button says that tries the sample: strips that the station draws are not of its line. @param {string[]} samples */
export const tryWords = (samples) => (samples.every((name) => /^made-up-\d+\.jpg$/.test(name))
  ? `Try ${count(samples.length, "made-up strip")}`
  : `Try the sample (${count(samples.length, "image")})`);
