/** What is known of an inspection, beside its picture. */

import { h } from "../lib/dom.js";
import { gauge, keyOf } from "./gauge.js";
import { percent, probability, size, time } from "../lib/format.js";

/** @import { Inspection, Inspector } from "../lib/answers.js" */

const DOORS = { page: "this page", http: "a program", watch: "a watched folder" };

/** @param {Inspection} inspection that has been read. @param {Inspector} card */
export function facts(inspection, card) {
  const { height, width, flags, review } = inspection;
  const rows = [
    ["P(defect)", probability(inspection.p_defect)],
    ["Calibrated", inspection.probability === null ? null
      : `of the tested images with this P(defect), about ${percent(inspection.probability)} show a defect`],
    ["Unusual", flags.join(" and ") || null],
    ["Reviewed", review && `${review.word} by ${review.reviewer || "a reviewer"}, ${time(review.at)}`],
    ["Image", `${width} × ${height} px, ${size(inspection.bytes)}`],
    ["Inspected", `${time(inspection.at)}, through ${DOORS[inspection.door]}, in ${inspection.seconds.toFixed(2)} s`],
    ["Station", inspection.station],
    ["Inspector", inspection.inspector.slice(0, 12)],
    ["Number", inspection.id],
  ];
  return h("section", { class: "facts" },
    h("h3", {}, "Decided", h("a", { href: `#review/${inspection.id}` }, "Agree or correct")),
    inspection.reason && h("p", { class: "reason" }, `${inspection.reason}.`),
    inspection.p_defect !== null && gauge(inspection.p_defect, inspection.inspector, card),
    inspection.p_defect !== null && inspection.inspector === card.fingerprint && keyOf(card),
    h("dl", {}, rows.filter(([, value]) => value !== null).map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)])));
}
