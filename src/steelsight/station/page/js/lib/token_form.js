/** Asks for the station's token when the station wants one. */

import * as api from "./api.js";
import { h, notice } from "./dom.js";

const WRITABLE = /^[\x20-\x7e]*$/; // what a header can hold, of what tokens are made of

/**
 * Replace the main view by the question. The token is kept for this tab, until somebody signs out.
 * @param {HTMLElement} main
 * @param {string} sentence why the last token was refused; empty where none was given. @param {() => unknown} again
 */
export function askToken(main, sentence, again) {
  if (main.querySelector(".login")) return; // of many requests that are refused, the first one asks
  const field = h("input", { id: "token", type: "password", autocomplete: "current-password", required: true });
  /** @param {SubmitEvent} event */
  const answer = (event) => {
    event.preventDefault();
    const token = field.value.trim();
    main.replaceChildren();
    if (!WRITABLE.test(token)) {
      askToken(main, "A token has plain letters, digits and -._~+/= only; this one has another character, for example a quotation mark.", again);
      return;
    }
    api.setToken(token);
    again();
  };
  main.replaceChildren(
    h("section", { class: "view login" },
      h("form", { onsubmit: answer },
        h("h1", {}, "This station asks for its token"),
        h("p", { class: "soft" }, "Ask the person who runs the station. This tab keeps the token until you sign out; ",
          "a browser may bring it back with a tab that was closed or is copied."),
        sentence && notice(sentence, "error"),
        h("label", { for: "token" }, "Token"),
        field,
        h("button", { class: "primary" }, "Open the station"))));
  field.focus();
}
