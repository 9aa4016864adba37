/** Where an image lies on the screen: zoom and pan. Screen units are CSS pixels of the canvas. */

/** @import { Box, Point } from "./geometry.js" */

const MARGIN = 10;
const GREATEST = 48; // screen pixels per image pixel

export class Viewport {
  scale = 1;
  left = 0;
  top = 0;
  /** Whether the whole image is shown, so that it stays so when the window changes. */
  fitted = true;

  /** @param {number} width @param {number} height of the image in pixels. */
  constructor(width, height) {
    this.image = { width, height };
    this.screen = { width: 1, height: 1 };
  }

  get least() {
    const { image, screen } = this;
    return Math.min((screen.width - 2 * MARGIN) / image.width, (screen.height - 2 * MARGIN) / image.height, 8);
  }

  /** @param {number} width @param {number} height of the canvas. */
  resize(width, height) {
    this.screen = { width: Math.max(width, 2 * MARGIN + 1), height: Math.max(height, 2 * MARGIN + 1) };
    if (this.fitted) this.fit();
    else this.keepInside();
  }

  fit() {
    this.scale = this.least;
    this.fitted = true;
    this.keepInside();
  }

  /** Screen to image coordinates. @param {number} x @param {number} y @returns {Point} */
  toImage(x, y) {
    return [(x - this.left) / this.scale, (y - this.top) / this.scale];
  }

  /** Keep the place of the image that is under (x, y). @param {number} factor */
  zoom(factor, x = this.screen.width / 2, y = this.screen.height / 2) {
    const [imageX, imageY] = this.toImage(x, y);
    this.scale = Math.min(Math.max(this.scale * factor, this.least), Math.max(GREATEST, this.least));
    this.left = x - imageX * this.scale;
    this.top = y - imageY * this.scale;
    this.fitted = this.scale <= this.least * 1.001;
    this.keepInside();
  }

  /**
   * From the whole image to one whose shorter side fills the screen, at least at its own size, and back.
   * @param {number} x @param {number} y
   */
  toggle(x, y) {
    if (!this.fitted) return this.fit();
    const { image, screen } = this;
    const filled = Math.max(screen.width / image.width, screen.height / image.height, 1);
    return this.zoom(Math.max(filled / this.scale, 2), x, y);
  }

  /** @param {number} dx @param {number} dy */
  pan(dx, dy) {
    this.left += dx;
    this.top += dy;
    this.keepInside();
  }

  /** Show a place of the image in the middle, close enough to see it. @param {Box} place in pixels of the image. */
  goTo({ left, top, right, bottom }) {
    const { screen } = this;
    const around = 0.4;
    const scale = Math.min((screen.width * around) / (right - left), (screen.height * around) / (bottom - top), 6);
    this.scale = Math.max(scale, this.least);
    this.left = screen.width / 2 - ((left + right) / 2) * this.scale;
    this.top = screen.height / 2 - ((top + bottom) / 2) * this.scale;
    this.fitted = this.scale <= this.least * 1.001;
    this.keepInside();
  }

  keepInside() {
    this.left = inside(this.left, this.image.width * this.scale, this.screen.width);
    this.top = inside(this.top, this.image.height * this.scale, this.screen.height);
  }
}

/**
 * In the middle where there is room, else without a gap beyond the margin.
 * @param {number} from @param {number} length @param {number} room
 */
function inside(from, length, room) {
  if (length <= room - 2 * MARGIN) return (room - length) / 2;
  return Math.min(Math.max(from, room - MARGIN - length), MARGIN);
}
