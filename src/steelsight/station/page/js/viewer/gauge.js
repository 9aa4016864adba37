/** P(defect) on a line from 0 to 1, with the policy's bounds: what passes, goes to review and is rejected. */

import { h } from "../lib/dom.js";
import { probability } from "../lib/format.js";

/** @import { Inspector, Policy } from "../lib/answers.js" */

const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 160;
const HEIGHT = 18;

/**
 * @param {number} pDefect @param {string} inspector fingerprint of the one that judged.
 * @param {Inspector} card whose bounds are those of what it decided alone.
 * @returns {SVGElement} coloured by the style sheet.
 */
export function gauge(pDefect, inspector, card) {
  const policy = inspector === card.fingerprint ? card.policy : null;
  /** @param {number} p */
  const at = (p) => 3 + p * (WIDTH - 6);
  const svg = element("svg", { class: "gauge", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img" });
  svg.append(title(pDefect, policy));
  const passes = policy?.pass_at ?? 0;
  const rejects = policy?.reject_at ?? 1;
  /** @param {string} name @param {number} from @param {number} to */
  const zone = (name, from, to) => {
    if (to > from) svg.append(element("rect", { class: name, x: at(from), y: 8, width: at(to) - at(from), height: 4 }));
  };
  if (policy) {
    zone("pass", 0, passes);
    zone("review", passes, rejects);
    zone("reject", rejects, 1);
  } else zone("none", 0, 1);
  svg.append(element("path", { class: "mark", d: `M${at(pDefect)} 8 l-4 -6 h8 z` }));
  svg.append(element("line", { class: "mark", x1: at(pDefect), x2: at(pDefect), y1: 6, y2: 15 }));
  return svg;
}

/**
 * What the colours of the lines mean; empty for an inspector without a policy.
 * @param {Inspector} card @returns {HTMLElement[]}
 */
export function keyOf({ policy }) {
  if (!policy) return [];
  const { pass_at: pass, reject_at: reject } = policy;
  /** @type {[string, string][]} */
  const zones = [];
  if (pass !== null) zones.push(["pass", `passes up to ${probability(pass, 2)}`]);
  if (reject === null || pass === null || reject > pass) zones.push(["review", "review"]);
  if (reject !== null) zones.push(["reject", `rejected above ${probability(reject, 2)}`]);
  return [h("span", { class: "gauge-key soft" }, "P(defect):",
    zones.map(([name, text]) => h("span", {}, h("span", { class: `key key-${name}`, "aria-hidden": "true" }), text)))];
}

/** @param {number} pDefect @param {Policy|null} policy */
function title(pDefect, policy) {
  const bounds = [];
  if (policy && policy.pass_at !== null) bounds.push(`passes up to ${probability(policy.pass_at)}`);
  if (policy && policy.reject_at !== null) bounds.push(`rejected above ${probability(policy.reject_at)}`);
  const text = element("title", {});
  text.textContent = [`P(defect) ${probability(pDefect)}`, ...bounds].join(", ");
  return text;
}

/** @param {string} name @param {Record<string, string|number>} attributes */
function element(name, attributes) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, String(value));
  return made;
}
