/** The inspector's card: what it finds, with which networks and rule, what its verdicts rest on, what the station takes. */

import { inkOn } from "../lib/defect_classes.js";
import { h, swatch } from "../lib/dom.js";
import { madeUpOf } from "../lib/summary.js";
import { count, level, percent, probability, size, time, whole } from "../lib/format.js";

/**
 * @import { Inspector, Network } from "../lib/answers.js"
 * @import { Leaf } from "../lib/dom.js"
 * @import { Context } from "../main.js"
 */

/** Show the view; see main.js. @param {HTMLElement} element @param {Context} context */
export function open(element, { card, onCard }) {
  draw(element, card);
  onCard(() => draw(element, card));
}

/** @param {HTMLElement} element @param {Inspector} card */
function draw(element, card) {
  element.replaceChildren(h("h1", {}, card.made_up ? "The ready inspector" : card.name), ...madeUpOf(card), h("p", { class: "soft" },
    `Recipe ${card.recipe}, exported ${time(card.created)} by steelsight ${card.version}, ${card.precision}. Fingerprint `,
    h("code", {}, card.fingerprint), ". ", ...signer(card)),
  h("div", { class: "sections" }, verdicts(card), classes(card), networks(card), figures(card), limits(card)));
}

/** Who signed it. @param {Inspector} card @returns {Leaf[]} */
function signer({ signature: { state, name, number } }) {
  if (state === "trusted") return [`Signed by ${name}, key `, h("code", {}, number), "."];
  return [state === "unchecked" ? "It is signed; this station trusts no key, so nobody has checked by whom." : "Nobody has signed it."];
}

/** @param {Inspector} card */
function verdicts({ policy }) {
  const section = h("section", { class: "whole" }, h("h2", {}, "Verdicts"));
  if (!policy) {
    section.append(h("p", {}, "This inspector has no verdict policy: it shows what it finds and how likely a defect is. ",
      "People decide."));
    return section;
  }
  section.append(
    h("p", { class: "notice info" }, policy.guaranteed
      ? "Its bounds are guaranteed for images like the test images. None of these was used to train it. Each bound holds with "
      : `Its bounds are an estimate, and not guaranteed (${policy.evidence}). Each is stated with `,
    `${percent(policy.confidence)} confidence.`),
    h("ul", {}, policy.statements.map((text) => h("li", {}, text))));
  return section;
}

/** @param {Inspector} card */
function classes({ classes: all, rule }) {
  const soft = rule.softness > 1
    ? `The lower P(defect), the larger a defect must be: ${rule.softness} times the least area if P(defect) is 0, once if it is 1.`
    : "";
  return h("section", {}, h("h2", {}, "Classes and rule"),
    table(["Class", "Upper", "Lower", "Least area"], all.map((one, index) => [
      h("span", { class: "class-name" }, swatch(one, inkOn(one.colour)), `Class ${one.name}`),
      level(rule.upper[index]), level(rule.lower[index]), `${whole(rule.min_area[index])} px`])),
    h("p", { class: "soft" }, `An image with P(defect) up to ${probability(rule.gate, 2)} has no mask. In any other image, a class is `,
      "marked if at least its least area is above the upper threshold; its mask is every pixel above the lower one. ", soft));
}

/** @param {Inspector} card */
function networks({ networks: all, out_of_fold: found }) {
  const steps = { classify: "Is there a defect?", segment: "Which, and where?" };
  /** @type {Map<string, Network[]>} */
  const members = new Map();
  for (const one of all) members.set(one.member, [...(members.get(one.member) ?? []), one]);
  const several = Object.keys(steps).some((step) => all.filter((one) => one.step === step).length > 1);
  return h("section", {}, h("h2", {}, "Networks"),
    table(["Step", "Network", "Folds", "Sees"], [...members].map(([member, folds]) => [
      steps[folds[0].step], member, folds.map(({ fold }) => fold).join(", "), `${folds[0].height} × ${folds[0].width} px`])),
    h("p", { class: "soft" }, ...found
      ? ["A fold is a part of the training images. Each network was trained without its fold. ",
        several && "The answers of a step's networks are combined."]
      : ["One network a step, which learned to answer as all folds' networks do together. It began with the weights of the fold ",
        "named here, and has learned from the images of all."]));
}

/** @param {Inspector} card */
function figures({ out_of_fold: found }) {
  /** @type {(value: number|null, text: (value: number) => string) => string} */
  const shown = (value, text) => (value === null ? "–" : text(value));
  if (!found) {
    return h("section", {}, h("h2", {}, "On training images"), h("p", { class: "soft" },
      "Its networks learned from the answers of an ensemble that had seen every image of the run: no figure of the run is theirs. ",
      "Calibration on new images tells what they are worth."));
  }
  return h("section", {}, h("h2", {}, "On training images, each judged by networks that did not see it"),
    table(["", ""], [
      ["Images", whole(found.images)],
      ["Dice", shown(found.nested_dice, (value) => probability(value))],
      ["Dice of an empty answer", shown(found.floor, (value) => probability(value))],
      ["Dice of pairs with a defect", shown(found.nested_defective_dice, (value) => probability(value))],
      ["False alarms among empty pairs", shown(found.nested_false_alarm_share, percent)],
    ]),
    h("p", { class: "soft" }, "Networks and rule were chosen without these images, too. Expect such figures on new images like ",
      "these. Dice is the overlap of the masks with the truth, from 0 to 1; a pair is an image and a class."));
}

/** @param {Inspector} card */
function limits({ limits: most, station, roi, needs_token: token }) {
  return h("section", {}, h("h2", {}, "This station"),
    table(["", ""], [
      ["Name", station],
      ["Region of interest", roi ?? "none: whole images count"],
      ["One file", `up to ${size(most.max_bytes)}`],
      ["One image", `up to ${whole(most.max_pixels / 1e6)} megapixels`],
      ["One request", `up to ${count(most.max_files, "file")}`],
      ["Waiting or in work", `up to ${count(most.queue, "image")}`],
      ["Token", token ? "needed" : "not needed: only this machine can reach it"],
    ]));
}

/** @param {string[]} heads @param {Leaf[][]} rows of which the first cell names the row. */
function table(heads, rows) {
  return h("div", { class: "scroll" }, h("table", {},
    heads.some(Boolean) && h("thead", {}, h("tr", {}, heads.map((head) => h("th", { scope: "col" }, head)))),
    h("tbody", {}, rows.map(([first, ...cells]) =>
      h("tr", {}, h("th", { scope: "row" }, first), cells.map((cell) => h("td", {}, cell)))))));
}
