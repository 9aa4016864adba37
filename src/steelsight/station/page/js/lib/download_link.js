/** Links that save a file: plain ones where the station asks for no token, so that the browser streams what may be large. */
import { download } from "./api.js";
import { h } from "./dom.js";

/** @import { Inspector } from "./answers.js" */

/**
 * @param {Inspector} card of the inspector.
 * @param {string} path below /api/v1.
 * @param {string} name of the file. @param {string} text of the link.
 * @param {(error: unknown) => void} failed told what went wrong.
 */
export function downloadLink(card, path, name, text, failed) {
  if (card.person && card.person.role !== "owner") return h("span", { class: "soft" }, `${text}: for owners`);
  const link = h("a", { href: `/api/v1${path}`, download: name, class: "download" }, text);
  if (card.needs_token) {
    link.addEventListener("click", (event) => {
      event.preventDefault(); // a plain link would not send the token
      download(path, name).catch(failed);
    });
  }
  return link;
}
