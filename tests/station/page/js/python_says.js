/** What Python says of random cases; written and held to be up to date by tests/helpers/page_cases.py. */

import { readFileSync } from "node:fs";

/** @import { Rule } from "#page/lib/answers.js" */

/** @typedef {{ height: number, width: number, pixels: string, runs: string }} MaskCase */

/**
 * Maps by class, row by row: a level, how many pixels have it, and so on.
 * @typedef {{
 *   height: number, width: number, maps: number[][], rule: Rule, found: boolean[], suspected: string[], is_faint: boolean,
 * }} SuspectedCase
 */

/** @type {unknown} */
const said = JSON.parse(readFileSync(new URL("python_says.json", import.meta.url), "utf8"));

export const PYTHON = /**
 * @type {{
 *   masks: MaskCase[],
 *   rules: { rule: Rule, p_defect: number, map: number[], mask: string }[],
 *   suspected: SuspectedCase[],
 *   inferno: [number, number, number][],
 * }}
 */ (said);

/** @param {string} text as Python writes masks. */
export const maskOf = (text) => Uint8Array.from(text, Number);
