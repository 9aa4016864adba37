/** Pictures as the inspector sees them. */

import { ApiError } from "../lib/api.js";

/** @import { Size } from "../lib/geometry.js" */

/**
 * Decode an image, turned as its EXIF orientation says: so the inspector reads it, and masks lie on the turned picture.
 * @param {Blob} blob @returns {Promise<ImageBitmap>} @throws {ApiError}
 */
export async function pictureOf(blob) {
  try {
    return await createImageBitmap(blob, { imageOrientation: "from-image" });
  } catch {
    throw new ApiError("The browser cannot show this image.");
  }
}

/**
 * The values of an 8-bit grey PNG.
 * @param {Blob} blob @param {Size} size
 * @returns {Promise<Uint8Array>} height * width, row-major. @throws {ApiError} it is of another size.
 */
export async function greyOf(blob, { width, height }) {
  const bitmap = await createImageBitmap(blob, { colorSpaceConversion: "none" });
  if (bitmap.width !== width || bitmap.height !== height) throw new ApiError("The map does not fit the image.");
  const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
  if (!context) throw new ApiError("The browser gives no canvas to read the map with.");
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  const { data } = context.getImageData(0, 0, width, height);
  const values = new Uint8Array(width * height);
  for (let i = 0; i < values.length; i++) values[i] = data[4 * i];
  return values;
}
