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
 * What a view is given: the inspector's card, which changes in place when another inspector is put into the station, the rest of
 * the address after the view's name (`#review/12`: "12"), what adds a key of this view alone, and `onCard` with what it does
 * when the card has changed.
 * @typedef {{ card: Inspector, rest: string, keys: AddKey, onCard: (call: () => void) => void }} Context
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
const signOut = only("#sign-out", HTMLElement);
let leave = () => {};
let drawAnew = () => {}; // of the view, with another inspector's card
let keys = keyboard.layer();
let turn = 0;

/** Leave the view that is shown, with its keys. */
function end() {
  leave();
  leave = drawAnew = () => {};
  keys.close();
  keys = keyboard.layer();
}

async function route() {
  const [name, ...rest] = location.hash.slice(1).split("/");
  const view = Object.hasOwn(VIEWS, name) ? name : "inspect";
  const mine = ++turn;
  end();
  exchanged.remove();
  for (const link of document.querySelectorAll("nav a")) {
    if (link.getAttribute("href") === `#${view}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  try {
    const [module, card] = await Promise.all([fetched(view), cardNow()]);
    if (mine !== turn) return;
    const element = document.createElement("section");
    element.className = `view view-${view}`;
    main.replaceChildren(element);
    window.scrollTo(0, 0);
    for (const other of Object.keys(VIEWS)) fetched(other).catch(() => {}); // told when it is asked for
    const onCard = /** @param {() => void} call */ (call) => { drawAnew = call; };
    leave = module.open(element, { card, rest: decodeURIComponent(rest.join("/")), keys: keys.add, onCard }) ?? (() => {});
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

/** One object for all views: what is fetched anew is known to all of them. @type {Inspector|null} */
let card = null;
let ours = true; // it says whose token asked
/** Of other inspectors, whose images the log has, too. @type {Set<string>} */
const others = new Set();
const exchanged = notice("");

/** The card as it is now; where the station does not answer, as it was. @returns {Promise<Inspector>} @throws {ApiError} */
async function cardNow() {
  let now;
  try {
    now = await api.card();
  } catch (error) {
    if (card && ours && error instanceof api.ApiError && api.AWAY_STATUSES.includes(error.status)) return card;
    throw error;
  }
  ours = true;
  const before = card?.fingerprint ?? now.fingerprint;
  card = Object.assign(card ?? now, now);
  only("#station", HTMLElement).textContent = card.person ? `${card.person.name} at ${card.station}` : card.station;
  signOut.hidden = !card.needs_token;
  if (before !== card.fingerprint) {
    others.clear();
    exchanged.textContent = `Another inspector is at work in this station now: ${card.name}, fingerprint ${card.fingerprint.slice(0, 12)}. `
      + "Verdicts and bounds from now on are its own.";
    main.before(exchanged);
    drawAnew();
  }
  return card;
}

api.onInspector(async (fingerprint, fresh) => {
  if (!card || fingerprint === card.fingerprint || (!fresh && others.has(fingerprint))) return;
  others.add(fingerprint);
  await cardNow().catch(() => {}); // who asks for the card itself is told
});
api.onRefused((sentence) => {
  ours = false;
  signOut.hidden = true;
  end(); // what is behind the form goes on with nothing
  askToken(main, sentence, route);
});
for (const [key, view] of Object.entries({ i: "inspect", y: "history", v: "review", c: "inspector" })) {
  keyboard.always(`g ${key}`, `go to ${view}`, () => { location.hash = view; });
}
signOut.addEventListener("click", () => {
  api.setToken("");
  location.reload(); // what was shown goes, too; where images wait, the browser asks first
});
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
