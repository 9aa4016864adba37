/** Review: the doubtful first; agree, or correct by drawing and erasing regions; every decision is kept as a version. */

import * as api from "../lib/api.js";
import { Corrections } from "./corrections.js";
import { h, nodesOf, notice } from "../lib/dom.js";
import { messageOf } from "../lib/errors.js";
import * as drawings from "./unsaved_drawings.js";
import { Editor, sameMasks } from "./editor.js";
import { Queue } from "./queue.js";
import { listen } from "./keys.js";
import { decodeRuns } from "../lib/rle.js";
import { isReadable, verdictOf, when } from "../lib/summary.js";
import { makeToolbar } from "./toolbar.js";
import { versionList } from "./version_list.js";
import { Viewer } from "../viewer/viewer.js";
import { makeDecisionForm } from "./decision_form.js";

/**
 * @import { Inspection, Inspector, Review as Reviewed, ReviewRequest } from "../lib/answers.js"
 * @import { AddKey } from "../lib/keyboard.js"
 * @import { Context } from "../main.js"
 * @import { Runs } from "./unsaved_drawings.js"
 * @import { Version } from "./version_list.js"
 */

const AGAIN = 30_000; // ms after which the queue is asked what others have reviewed
const LOWEST = 220; // CSS pixels of the stage
const HIGHEST = 0.56; // of the window

/** Show the view, `#review/12` with inspection 12; see main.js. @param {HTMLElement} element @param {Context} context */
export function open(element, { card, rest, keys }) {
  const review = new Review(element, card);
  review.listen(keys);
  void review.start(Number(rest) || null);
  return () => review.end();
}

export class Review {
  /** @type {Inspection|null} */
  inspection = null;
  /** Oldest first. @type {Reviewed[]} */
  reviews = [];
  /** A drawing that is not saved, while a version is looked at. @type {Map<number, Uint8Array>|null} */
  own = null;
  drawable = false; // the picture can be had
  unlisten = () => {};
  shown = 0; // the version whose masks were brought to the viewer; 0: the inspector's
  turn = 0; // answers for an inspection that was left are dropped
  opening = false; // another inspection is on its way
  complete = false; // until then the viewer may hold the masks of the one before
  saving = false;
  left = false;
  loading = notice("The image is still loading: look at it first.", "error"); // gone when it is there

  /** @param {HTMLElement} element @param {Inspector} card */
  constructor(element, card) {
    this.queue = new Queue((id) => this.open(id), (error) => this.say(messageOf(error)));
    this.corrections = new Corrections(card, (error) => this.say(messageOf(error)));
    this.head = h("div", { class: "review-head" });
    this.message = h("div", { class: "told" });
    this.stage = h("div", { class: "review-stage" });
    this.viewer = new Viewer(this.stage, card);
    this.editor = new Editor(this.viewer, () => this.refresh());
    this.toolbar = makeToolbar(this.editor);
    this.form = makeDecisionForm(card.person, { agree: () => this.save(false), correct: () => this.save(true) });
    this.versions = h("div");
    /** @type {(by: number, key: string, text: string) => HTMLElement} */
    const step = (by, key, text) => h("button", { type: "button", title: `(${key})`, onclick: () => this.go(by) }, text);
    this.work = h("div", { class: "review-work", hidden: true },
      h("div", { class: "heading" }, this.head, h("div", { class: "steps" }, step(-1, "k", "Previous"), step(1, "j", "Next"))),
      this.toolbar.element, this.stage, this.form.element,
      h("section", { class: "review-versions", "aria-label": "Versions" }, h("h3", {}, "Decisions so far"), this.versions));
    element.append(
      h("h1", {}, "Review"),
      this.message,
      h("div", { class: "reviewing" }, this.work, this.queue.element),
      this.corrections.element);
  }

  /** @param {AddKey} keys */
  listen(keys) {
    this.unlisten = listen(this, keys);
    drawings.onAsked(() => this.unsaved);
    // unasked: who acts is told what is wrong
    const again = setInterval(() => { if (!document.hidden) this.queue.refresh().catch(() => {}); }, AGAIN);
    const { unlisten } = this;
    this.unlisten = () => {
      clearInterval(again);
      unlisten();
    };
  }

  /** @param {number|null} id null: the first of the queue. */
  async start(id) {
    try {
      await this.queue.start();
      this.message.replaceChildren();
      const first = id ?? this.queue.items[0]?.id;
      await Promise.all([first ? this.open(first) : null, this.corrections.refresh()]);
    } catch (error) {
      this.message.replaceChildren(notice(messageOf(error), "error", () => this.start(id)));
    }
  }

  end() {
    this.keepDrawing();
    this.left = true;
    this.turn++;
    this.inspection = null;
    drawings.onAsked(() => false);
    this.unlisten();
    this.editor.end();
    this.viewer.close();
  }

  /**
   * Show an inspection, with the latest reviewer's masks where there is one. Nothing is saved before it is all there.
   * @param {number} id @param {string} said what is to be told beside.
   */
  async open(id, said = "") {
    if (this.left) return;
    const turn = ++this.turn;
    this.opening = true;
    this.refresh();
    let found;
    try {
      found = await Promise.all([api.inspection(id), api.reviews(id)]);
    } catch (error) {
      if (turn !== this.turn) return;
      this.opening = false;
      this.refresh();
      this.say(`${said} ${messageOf(error)}`.trim());
      return;
    }
    if (turn !== this.turn) return;
    const [inspection, reviews] = found;
    this.keepDrawing();
    this.editor.end();
    this.inspection = inspection;
    this.reviews = reviews;
    this.own = null;
    this.shown = reviews.at(-1)?.version ?? 0;
    this.opening = this.complete = false;
    this.work.hidden = false;
    this.message.replaceChildren();
    history.replaceState(null, "", `#review/${id}`);
    this.queue.choose(id);
    const latest = reviews.at(-1);
    if (latest) this.queue.note(id, latest);
    this.form.begin(inspection);
    this.refresh();
    this.describe(inspection);
    await this.picture(inspection);
    if (inspection !== this.inspection) return;
    this.complete = true;
    this.loading.remove();
    this.toolbar.begin(this.drawable ? this.viewer.classes : []);
    this.takeUp(inspection);
    this.show(this.shown);
    if (said) this.say(said, "info");
  }

  get ready() {
    return this.complete && !this.opening;
  }

  /** Whether there is a drawing that no version holds. */
  get unsaved() {
    return this.editor.edited || this.own !== null;
  }

  /** Keep a drawing of an image that is left, for the next time that it is opened. */
  keepDrawing() {
    const masks = this.editor.edited ? this.viewer.masks : this.own;
    if (this.inspection && masks) drawings.keep(this.inspection, this.editor.runs(masks));
  }

  /** What was kept when the image was left. @param {Inspection} inspection */
  takeUp(inspection) {
    const runs = this.drawable ? drawings.take(inspection) : undefined;
    if (!runs) return;
    this.own = this.masksOf(runs);
    this.say('What you drew here before is not saved: it is kept below as "your drawing".', "info");
  }

  /** Bring the picture; where there is none, the masks can be agreed with, but not drawn. @param {Inspection} inspection */
  async picture(inspection) {
    this.drawable = isReadable(inspection) && inspection.has_image;
    this.stage.hidden = this.toolbar.element.hidden = !this.drawable;
    this.shape(inspection);
    if (!this.drawable) return;
    try {
      await this.viewer.show(inspection);
    } catch (error) {
      if (inspection !== this.inspection) return;
      this.drawable = false;
      this.stage.hidden = this.toolbar.element.hidden = true;
      this.say(messageOf(error));
    }
  }

  /** @param {Inspection} inspection */
  describe(inspection) {
    const { name, at, error, reason, height, width, has_image: stored } = inspection;
    this.head.replaceChildren(...nodesOf([
      h("h2", {}, name),
      h("p", {}, verdictOf(inspection), ` ${isReadable(inspection) ? reason : error}`),
      h("p", { class: "soft" }, when(at), height && `, ${width} × ${height} pixels`),
      !stored && isReadable(inspection) && notice("The image is no longer stored: you can agree with its masks, but not draw."),
    ]));
  }

  /** A stage as high as the picture in its width, with room to zoom in. @param {Inspection} inspection */
  shape({ height, width }) {
    if (height === null || width === null) return; // then there is no picture
    const whole = (this.stage.clientWidth * height) / width;
    this.stage.style.height = `${Math.round(Math.max(LOWEST, Math.min(HIGHEST * innerHeight, 1.7 * whole)))}px`;
  }

  /**
   * Bring the masks of a version to the viewer; a drawing that would be lost stays as "your drawing".
   * @param {Version} version
   */
  show(version) {
    if (this.drawable) {
      if (version !== "own" && this.editor.edited) this.own = new Map(this.viewer.masks);
      if (version === "own") {
        this.editor.begin(this.masksOf(this.runsOf(this.shown)));
        for (const [number, mask] of this.own ?? []) this.editor.replace(number, mask);
        this.own = null;
      } else {
        this.shown = version;
        this.editor.begin(this.masksOf(this.runsOf(version)));
      }
    } else if (version !== "own") {
      this.shown = version;
    }
    this.refresh();
  }

  /** @param {Runs} runs */
  masksOf(runs) {
    const { height, width } = this.viewer.shown.inspection;
    return new Map(this.viewer.classes.map(({ name, number }) => [number, decodeRuns(runs[name] ?? "", height, width)]));
  }

  /** @param {number} version 0: the inspector's. @returns {Runs} */
  runsOf(version) {
    const said = version ? this.reviews.find((review) => review.version === version) : this.inspection;
    return said?.runs ?? {};
  }

  refresh() {
    if (!this.inspection) return;
    const edited = this.editor.edited;
    this.toolbar.refresh();
    this.form.refresh({ edited, agrees: this.shown === 0, saving: this.saving || !this.ready });
    /** @param {Version} version */
    const show = (version) => { if (this.ready) this.show(version); };
    this.versions.replaceChildren(
      versionList(this.inspection, this.reviews, edited ? "own" : this.shown, edited || this.own !== null, show));
  }

  /** Save the reviewer's decision on the masks as they are shown. @param {boolean} drawn by which button. */
  async save(drawn) {
    if (!this.inspection || this.saving) return;
    if (!this.ready) return this.message.replaceChildren(this.loading);
    const { decision, reviewer, comment } = this.form.said();
    const edited = this.editor.edited;
    if (this.editor.corners.length) return this.say("A polygon is still open: close it, or take it back with Escape.");
    if (!drawn && edited) return this.say("The masks have been changed: save the correction (s), or undo.");
    if (drawn && !edited) return this.say("Nothing has been drawn: agree (a), or correct the masks first.");
    if (!decision) return this.say("First choose whether this piece passes or is rejected.");
    this.saving = true;
    this.refresh();
    const { inspection, turn } = this;
    const masks = new Map(this.viewer.masks);
    const runs = this.toSave();
    try {
      /** @type {ReviewRequest} */
      const body = {
        after_version: this.reviews.at(-1)?.version ?? 0, agrees: runs === null, word: decision, runs, reviewer, comment,
      };
      const review = await api.review(inspection.id, body);
      this.saving = false;
      this.saved(inspection, masks, runs, review);
      await this.after(turn, inspection, review);
    } catch (error) {
      this.saving = false;
      const sentence = messageOf(error);
      if (error instanceof api.ApiError && error.status === 409) await this.faster(inspection, sentence);
      else this.say(turn === this.turn ? sentence : `${inspection.name} is not saved: ${sentence}`);
    }
    this.refresh();
  }

  /**
   * Note what stands in the log now, whether or not its image is still on the screen.
   * @param {Inspection} inspection @param {Map<number, Uint8Array>} masks @param {Runs|null} runs @param {Reviewed} review
   */
  saved(inspection, masks, runs, review) {
    this.queue.note(inspection.id, review);
    void this.corrections.refresh();
    if (inspection !== this.inspection) return drawings.drop(inspection, runs);
    this.reviews = [...this.reviews, review];
    this.shown = review.version;
    this.own = null;
    if (this.drawable) this.editor.saved(masks);
  }

  /** The run lengths to be sent; null where they are the inspector's own. */
  toSave() {
    if (!this.drawable) {
      const said = this.reviews.find(({ version }) => version === this.shown);
      return !said || said.agrees ? null : said.runs; // a file that could not be read has none
    }
    return sameMasks(this.masksOf(this.runsOf(0)), this.viewer.masks) ? null : this.editor.runs();
  }

  /**
   * Go on to the next that waits, unless the reviewer has gone elsewhere; stay, with the new version, where none does.
   * @param {number} turn @param {Inspection} inspection @param {Reviewed} review
   */
  async after(turn, { id, name }, review) {
    const said = `${name}: saved as version ${review.version}.`; // it is told beside another image
    this.say(said, "info");
    if (turn !== this.turn) return;
    await this.trying(async () => {
      const next = await this.queue.nextOpen();
      if (turn === this.turn) await this.open(next ?? id, next ? `${said} The next one is shown.` : `${said} Nothing else that is listed waits.`);
    });
  }

  /**
   * Somebody saved a version meanwhile: show it, and keep what was drawn.
   * @param {Inspection} inspection @param {string} sentence
   */
  async faster(inspection, sentence) {
    await this.trying(async () => {
      const reviews = await api.reviews(inspection.id);
      const newest = reviews[reviews.length - 1];
      this.queue.note(inspection.id, newest);
      if (this.inspection !== inspection) return this.say(`${inspection.name}: ${sentence}`); // another was opened meanwhile
      this.reviews = reviews;
      this.show(newest.version);
      const who = newest.reviewer || "somebody";
      const kept = this.own ? ' Yours is kept below as "your drawing".' : "";
      this.say(`${sentence} Version ${newest.version} by ${who} is shown now.${kept}`);
    });
  }

  /** @param {number} by */
  async go(by) {
    const id = await this.queue.beside(by);
    if (id !== null) await this.open(id);
  }

  /** @param {() => Promise<void>} work */
  async trying(work) {
    try {
      await work();
    } catch (error) {
      this.say(messageOf(error));
    }
  }

  /** @param {string} sentence @param {"info"|"error"} kind */
  say(sentence, kind = "error") {
    this.message.replaceChildren(notice(sentence, kind));
  }
}
