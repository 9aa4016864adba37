/** Pictures as the inspector sees them: the pixels as they are stored. */

import { ApiError } from "../lib/api.js";

/** @import { Size } from "../lib/geometry.js" */

/**
 * Decode an image, without turning it as its EXIF orientation says: masks are drawn on stored pixels.
 * @param {Blob} blob @returns {Promise<ImageBitmap>} @throws {ApiError}
 */
export async function pictureOf(blob) {
  try {
    return await createImageBitmap(await withoutExif(blob));
  } catch {
    throw new ApiError("The browser cannot show this image.");
  }
}

/** A JPEG without its EXIF segments (APP1, ITU-T T.81 and CIPA DC-008); anything else as it is. @param {Blob} blob */
async function withoutExif(blob) {
  const head = new DataView(await blob.slice(0, 1 << 18).arrayBuffer());
  if (head.byteLength < 4 || head.getUint16(0) !== 0xffd8) return blob;
  const kept = [blob.slice(0, 2)];
  let at = 2;
  while (at + 10 <= head.byteLength && head.getUint8(at) === 0xff && head.getUint8(at + 1) !== 0xda) {
    const end = at + 2 + head.getUint16(at + 2);
    const isExif = head.getUint8(at + 1) === 0xe1 && head.getUint32(at + 4) === 0x45786966; // "Exif"
    if (!isExif) kept.push(blob.slice(at, end));
    at = end;
  }
  return new Blob([...kept, blob.slice(at)], { type: "image/jpeg" });
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
