/** Places and sizes in an image or on the screen, as types. */

/**
 * A pixel (x, y) covers the square from (x, y) to (x + 1, y + 1).
 * @typedef {[x: number, y: number]} Point
 */

/** @typedef {{ width: number, height: number }} Size */

/**
 * Right and bottom are not included.
 * @typedef {{ left: number, top: number, right: number, bottom: number }} Box
 */

export {};
