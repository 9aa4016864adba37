/**
 * The page: which view the address names, the keyboard, and the token.
 *
 * A view is a module with `open(element, context)`, which fills the element and returns what to call before it is left, if
 * anything.
 */

import * as api from "./lib/api.js";
import { notice, only } from "./lib/dom.js";
import { messageOf } from "./lib/errors.js";
import { keyboard } from "./lib/keyboard.js";
import { askToken } from "./lib/token_form.js";

/**
 * @import { Inspector } from "./lib/answers.js"
 * @import { AddKey } from "./lib/keyboard.js"
 */

/**
 * What a view is given: the inspector's card, the rest of the address after the view's name (`#review/12`: "12"), and what
 * adds a key of this view alone.
 * @typedef {{ card: Inspector, rest: string, keys: AddKey }} Context
 */

/** @typedef {{ open: (element: HTMLElement, context: Context) => (() => void)|void }} View */

/** Fetched once all of them while the station is there, so that none is missing when it is away. @type {Record<string, () => Promise<View>>} */
const VIEWS = {
  inspect: () => import("./inspect/inspect.js"),
  history: () => import("./history/history.js"),
  review: () => import("./review/review.js"),
  inspector: () => import("./inspector/inspector.js"),
};

const main = only("main", HTMLElement);
let leave = () => {};
let keys = keyboard.layer();
let turn = 0;

async function route() {
  const [name, ...rest] = location.hash.slice(1).split("/");
  const view = Object.hasOwn(VIEWS, name) ? name : "inspect";
  const mine = ++turn;
  leave();
  leave = () => {};
  for (const link of document.querySelectorAll("nav a")) {
    if (link.getAttribute("href") === `#${view}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  keys.close();
  keys = keyboard.layer();
  try {
    const [module, card] = await Promise.all([fetched(view), cardOnce()]);
    if (mine !== turn) return;
    const element = document.createElement("section");
    element.className = `view view-${view}`;
    main.replaceChildren(element);
    window.scrollTo(0, 0);
    for (const other of Object.keys(VIEWS)) fetched(other).catch(() => {}); // told when it is asked for
    leave = module.open(element, { card, rest: decodeURIComponent(rest.join("/")), keys: keys.add }) ?? (() => {});
  } catch (error) {
    const asked = error instanceof api.ApiError && error.status === 401; // then the token's form is there
    if (mine === turn && !asked) main.replaceChildren(notice(messageOf(error), "error"));
  }
}

/**
 * The module of a view. A browser keeps a failure until the page is loaded anew, and has its own words for it.
 * @param {string} view @returns {Promise<View>} @throws {ApiError}
 */
async function fetched(view) {
  try {
    return await VIEWS[view]();
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new api.ApiError(`${api.AWAY} Load the page anew once it is.`);
  }
}

/** @type {Inspector|null} */
let card = null;
async function cardOnce() {
  card ??= await api.card();
  only("#station", HTMLElement).textContent = card.station;
  return card;
}

api.onRefused((sentence) => {
  card = null; // it says whose token asked
  askToken(main, sentence, route);
});
for (const [key, view] of Object.entries({ i: "inspect", y: "history", v: "review", c: "inspector" })) {
  keyboard.always(`g ${key}`, `go to ${view}`, () => { location.hash = view; });
}
only("#help", HTMLElement).addEventListener("click", () => keyboard.help());
only(".skip", HTMLElement).addEventListener("click", (event) => {
  event.preventDefault(); // the address names views, not places in them
  main.focus();
});
for (const kind of /** @type {const} */ (["dragover", "drop"])) {
  window.addEventListener(kind, (event) => { // a file that no view takes would replace the page
    if (event.defaultPrevented || !event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = "none";
  });
}
window.addEventListener("hashchange", route);
void route();
