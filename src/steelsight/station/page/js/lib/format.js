/** Numbers and times for people. */

const WHOLE = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });

/** 12345 -> "12,345". @param {number} value */
export const whole = (value) => WHOLE.format(value);

/**
 * Probability in [0, 1]; what is not quite 0 or 1 does not read as such.
 * @param {number|null|undefined} value @param {number} digits
 */
export function probability(value, digits = 3) {
  if (value === null || value === undefined) return "–";
  const least = 10 ** -digits;
  if (value > 0 && value < least) return `< ${least}`;
  if (value < 1 && value > 1 - least) return `> ${(1 - least).toFixed(digits)}`;
  return value.toFixed(digits);
}

/**
 * A share in [0, 1] -> "12 %", "2.3 %", "99.6 %": 0 % is said of nothing and 100 % of all alone, as in core/formatting.py.
 * @param {number} value
 */
export function percent(value) {
  let digits = value > 0 && value < 0.1 ? 1 : 0;
  if (value > 0 && value < 1) while (digits < 9 && [0, 100].includes(Number((100 * value).toFixed(digits)))) digits++;
  return `${(100 * value).toFixed(digits)} %`;
}

/** `count(1, "region")` -> "1 region", `count(2, "region")` -> "2 regions". @param {number} number @param {string} word */
export const count = (number, word) => `${whole(number)} ${number === 1 ? word : `${word}s`}`;

/** Bytes -> "32 MB". @param {number} bytes */
export function size(bytes) {
  const units = ["bytes", "kB", "MB", "GB"];
  const power = Math.min(Math.floor(Math.log10(Math.max(bytes, 1)) / 3), units.length - 1);
  const value = bytes / 1000 ** power;
  return `${value < 10 && power ? value.toFixed(1) : Math.round(value)} ${units[power]}`;
}

/** An ISO time in the reader's own zone, to the second. @param {string} iso */
export const time = (iso) => new Date(iso).toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "medium" });

/** A value between 0 and 255 as a probability. @param {number} value */
export const level = (value) => probability(value / 255, 2);
