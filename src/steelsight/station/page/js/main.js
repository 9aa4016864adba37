/**
 * The page: which view the address names, the keyboard, and the token.
 *
 * A view is a module with `open(element, context)`, which fills the element and returns what to call before it is left, if
 * anything. The context: `card` of the inspector, `rest` of the address after the view's name (`#review/12`: "12"),
 * `keys(key, does, run)`: adds a key of this view alone, which `?` lists as `does`.
 */

import * as api from "./lib/api.js";
import { notice } from "./lib/dom.js";
import { keyboard } from "./lib/keyboard.js";
import { askToken } from "./lib/token_form.js";

const VIEWS = ["inspect", "history", "review", "inspector"];

let leave = () => {};
let keys = keyboard.layer();
let turn = 0;

async function route() {
  const [name, ...rest] = location.hash.slice(1).split("/");
  const view = VIEWS.includes(name) ? name : VIEWS[0];
  const mine = ++turn;
  leave();
  leave = () => {};
  for (const link of document.querySelectorAll("nav a")) {
    if (link.hash === `#${view}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  const main = document.querySelector("main");
  keys.close();
  keys = keyboard.layer();
  try {
    const [module, card] = await Promise.all([import(`./${view}/${view}.js`), cardOnce()]);
    if (mine !== turn) return;
    const element = document.createElement("section");
    element.className = `view view-${view}`;
    main.replaceChildren(element);
    window.scrollTo(0, 0);
    leave = module.open(element, { card, rest: decodeURIComponent(rest.join("/")), keys }) ?? (() => {});
  } catch (error) {
    if (mine === turn && error.status !== 401) main.replaceChildren(notice(error.message, "error"));
  }
}

let card = null;
async function cardOnce() {
  card ??= await api.card();
  document.querySelector("#station").textContent = card.station;
  return card;
}

api.onRefused((sentence) => askToken(document.querySelector("main"), sentence, route));
for (const [key, view] of Object.entries({ i: "inspect", y: "history", v: "review", c: "inspector" })) {
  keyboard.always(`g ${key}`, `go to ${view}`, () => { location.hash = view; });
}
document.querySelector("#help").addEventListener("click", () => keyboard.help());
document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault(); // the address names views, not places in them
  document.querySelector("main").focus();
});
for (const kind of ["dragover", "drop"]) {
  window.addEventListener(kind, (event) => { // a file that no view takes would replace the page
    if (event.defaultPrevented || !event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = "none";
  });
}
window.addEventListener("hashchange", route);
route();
