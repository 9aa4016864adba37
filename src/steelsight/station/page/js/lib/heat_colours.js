/** Colours of probabilities: matplotlib's `inferno`, even to the eye and readable with any kind of colour vision. */

const STOPS = [
  [0, 0, 4], [31, 12, 72], [85, 15, 109], [136, 34, 106], [186, 54, 85], [227, 89, 51], [249, 140, 10], [249, 201, 50],
  [252, 255, 164],
];

/** RGB of a probability in [0, 1]. @param {number} p */
export function heatColour(p) {
  const at = p * (STOPS.length - 1);
  const low = Math.min(Math.floor(at), STOPS.length - 2);
  return STOPS[low].map((from, channel) => Math.round(from + (STOPS[low + 1][channel] - from) * (at - low)));
}

/** 256 pixels for little-endian RGBA: nearly clear where the probability is low, so that the steel stays visible. */
export const HEAT = Uint32Array.from({ length: 256 }, (_, value) => {
  const [red, green, blue] = heatColour(value / 255);
  const alpha = Math.round(255 * (0.35 + 0.5 * (value / 255)));
  return ((alpha << 24) | (blue << 16) | (green << 8) | red) >>> 0;
});
