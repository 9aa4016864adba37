/** What is to be reviewed: not yet reviewed first, the most doubtful of them first. */
import * as api from "../lib/api.js";
import { h } from "../lib/dom.js";
import { probabilityOf, saidBy, verdictOf } from "../lib/summary.js";

/** @import { Review, Summary } from "../lib/answers.js" */

const PAGE = 30;

export class Queue {
  /** @type {Summary[]} */
  items = [];
  /** Number of the one that is looked at. @type {number|null} */
  current = null;
  turn = 0; // answers for verdicts that were chosen before are dropped
  reviewed = false; // whether those not yet reviewed are all here
  /** @type {string|null} */
  cursor = null;

  /**
   * @param {(id: number) => unknown} chosen called when one of the list is clicked.
   * @param {(error: unknown) => void} failed
   */
  constructor(chosen, failed) {
    this.chosen = chosen;
    /** @param {() => Promise<void>} work */
    const again = (work) => work.call(this).catch(failed);
    this.verdict = h("select", { "aria-label": "Verdicts to review", onchange: () => again(this.start) },
      h("option", { value: "" }, "any verdict"),
      ["review", "reject", "pass"].map((verdict) => h("option", { value: verdict }, `verdict ${verdict}`)));
    this.list = h("ol", { class: "queue-list" });
    this.more = h("button", { type: "button", class: "quiet", hidden: true, onclick: () => again(this.load) }, "More");
    this.element = h("aside", { class: "queue", "aria-label": "Review queue" }, this.verdict,
      h("p", { class: "soft order" }, "Most doubtful first: verdict review, then P(defect) near 0.5."), this.list, this.more);
  }

  /** Begin anew with the chosen verdicts. */
  async start() {
    this.turn++;
    this.items = [];
    this.reviewed = false;
    this.cursor = null;
    await this.load();
  }

  /** Append a page; where those not reviewed end, those reviewed follow. @returns {Promise<void>} */
  async load() {
    const { turn, reviewed, cursor } = this;
    const found = await api.find({ order: "doubt", verdict: this.verdict.value, reviewed, cursor, limit: PAGE });
    if (turn !== this.turn || reviewed !== this.reviewed || cursor !== this.cursor) return;
    const known = new Set(this.items.map(({ id }) => id)); // reviewed meanwhile: listed once
    this.items.push(...found.inspections.filter(({ id }) => !known.has(id)));
    this.cursor = found.next;
    if (this.cursor === null && !this.reviewed) {
      this.reviewed = true;
      await this.load();
      return;
    }
    this.more.hidden = this.cursor === null;
    this.draw();
  }

  /**
   * The one after (by 1) or before (by -1) the current; null at either end.
   * @param {number} by @returns {Promise<number|null>}
   */
  async beside(by) {
    const at = this.items.findIndex(({ id }) => id === this.current);
    if (at + by >= this.items.length && !this.more.hidden) await this.load();
    return this.items[at + by]?.id ?? null;
  }

  /**
   * The next after the current that nobody has reviewed, else the first such; null where there is none. Others may have
   * reviewed one since the list was fetched: the station is asked before it is given.
   * @returns {Promise<number|null>}
   */
  async nextOpen() {
    for (;;) {
      const at = this.items.findIndex(({ id }) => id === this.current);
      const open = [...this.items.slice(at + 1), ...this.items.slice(0, at + 1)].find(({ review }) => !review);
      if (open && !(await this.ask(open.id))) return open.id;
      if (!open && this.reviewed) return null;
      if (!open) await this.load();
    }
  }

  /**
   * Whether one is reviewed by now, or gone from the log; the list has it so then.
   * @param {number} id @param {api.Options} [options] @returns {Promise<boolean>}
   */
  async ask(id, options) {
    try {
      const latest = (await api.reviews(id, options)).at(-1);
      if (latest) this.note(id, latest);
      return latest !== undefined;
    } catch (error) {
      if (!(error instanceof api.ApiError) || error.status !== 404) throw error;
      this.items = this.items.filter((one) => one.id !== id);
      this.draw();
      return true;
    }
  }

  /**
   * Note what others have reviewed since the list was fetched: what waits and would stand on the first page does no longer.
   * Nobody has asked for it, so a token that is refused is not asked for.
   */
  async refresh() {
    const { turn } = this;
    const quiet = { quiet: true };
    const waits = this.items.filter(({ review }) => !review);
    if (!waits.length) return;
    const found = await api.find({ order: "doubt", verdict: this.verdict.value, reviewed: false, limit: PAGE }, quiet);
    const waiting = new Set(found.inspections.map(({ id }) => id));
    const last = found.next === null ? undefined : found.inspections.at(-1);
    /** @param {Summary} one */
    const onPage = ({ doubt, id }) => !last || doubt > last.doubt || (doubt === last.doubt && id > last.id);
    const { scrollTop } = this.list;
    for (const one of waits) {
      if (turn !== this.turn) return;
      if (onPage(one) && !waiting.has(one.id) && await this.ask(one.id, quiet)) this.list.scrollTop = scrollTop; // who reads on stays there
    }
  }

  /** Mark the current one; it need not be in the list. @param {number} id */
  choose(id) {
    this.current = id;
    this.draw();
  }

  /** Note what was said of one. @param {number} id @param {Review} review */
  note(id, review) {
    const item = this.items.find((one) => one.id === id);
    if (item) item.review = review;
    this.draw();
  }

  draw() {
    const active = document.activeElement;
    const focused = active instanceof HTMLElement && this.list.contains(active) && active.dataset.id;
    this.list.replaceChildren(...this.items.map((item) => this.entry(item)));
    if (!this.items.length) this.list.append(h("li", { class: "soft" }, ...this.nothing()));
    /** @type {HTMLElement|null} */
    const again = focused ? this.list.querySelector(`[data-id="${focused}"]`) : null;
    again?.focus({ preventScroll: true });
    /** @type {HTMLElement|null} */
    const current = this.list.querySelector("[aria-current]");
    if (current) this.list.scrollTop = current.offsetTop - this.list.clientHeight / 2; // the page itself stays where it is
  }

  /** Why the queue is empty, and where to go. @returns {(string|HTMLElement)[]} */
  nothing() {
    if (!this.verdict.value) return ["Nothing was inspected here yet. ", h("a", { href: "#inspect" }, "Drop images, or try the sample")];
    const any = () => { this.verdict.value = ""; this.verdict.dispatchEvent(new Event("change")); };
    return [`Nothing with verdict ${this.verdict.value}. `, h("button", { type: "button", class: "link", onclick: any }, "Any verdict")];
  }

  /** @param {Summary} item */
  entry(item) {
    const said = saidBy(item.review);
    const details = h(
      "span",
      { class: "soft" },
      h("span", { class: "unbroken" }, `doubt ${item.doubt.toFixed(2)},`), " ",
      h("span", { class: "unbroken" }, `P(defect) ${probabilityOf(item)}`),
      said ? ` – ${said}` : "",
    );
    const button = h(
      "button",
      { type: "button", "data-id": item.id, "aria-current": item.id === this.current ? "true" : null, onclick: () => this.chosen(item.id) },
      h("span", { class: "name" }, item.name),
      verdictOf(item),
      details,
    );
    return h("li", { class: said ? "reviewed" : "open" }, button);
  }
}
