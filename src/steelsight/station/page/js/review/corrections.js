/** The corrections as a dataset that `steelsight train` reads: what is in it, and what is left out and why. */
import * as api from "../lib/api.js";
import { h, notice } from "../lib/dom.js";
import { downloadLink } from "../lib/download_link.js";
import { messageOf } from "../lib/errors.js";
import { count, whole } from "../lib/format.js";

/** @import { Corrections as Answer, Inspector, LeftOut } from "../lib/answers.js" */

export class Corrections {
  turn = 0; // an answer that is not the latest is dropped

  /** @param {Inspector} card @param {(error: unknown) => void} failed told what went wrong with a download. */
  constructor(card, failed) {
    this.card = card;
    this.failed = failed;
    this.element = h("section", { class: "corrections", "aria-label": "Corrections" });
  }

  /** Ask again: after each review. What goes wrong is said here, since the review stands whatever becomes of this. */
  async refresh() {
    const turn = ++this.turn;
    try {
      const found = await api.corrections();
      if (turn === this.turn) this.show(found); // else it was asked again meanwhile
    } catch (error) {
      if (turn !== this.turn) return;
      this.element.replaceChildren(h("h2", {}, "Corrections"), notice(messageOf(error), "error"));
    }
  }

  /** @param {Answer} summary */
  show({ images, defective, classes, left_out: leftOut, command }) {
    const shown = Object.entries(classes).filter(([, number]) => number);
    const per = shown.map(([name, number]) => `${name} in ${whole(number)}`);
    const dataset = images
      ? [
          h("p", {}, `The reviews make a dataset of ${count(images, "image")}, ${whole(defective)} of them defective`,
            per.length ? `: class ${per.join(", ")}.` : "."),
          h("p", {}, downloadLink(this.card, "/corrections.zip", "corrections.zip", "Download the dataset", this.failed),
            "– in COCO’s layout. Few images alone make no inspector: on the station’s machine, "),
          h("pre", {}, command),
          h("p", {}, "joins them with DATA, the labelled images that the present one was trained on; train the next on NEW."),
        ]
      : [h("p", { class: "soft" }, "None yet. Each image that is agreed with or corrected above becomes an example for the next inspector.")];
    this.element.replaceChildren(h("h2", {}, "Corrections"), ...dataset, ...(leftOut.length ? [this.missing(leftOut)] : []));
  }

  /** @param {LeftOut[]} leftOut */
  missing(leftOut) {
    /** @param {LeftOut} one */
    const entry = ({ id, why }) => h("li", {}, h("a", { href: `#review/${id}` }, `Inspection ${id}`), `: ${why}`);
    const are = leftOut.length === 1 ? "image is" : "images are";
    return h("details", {}, h("summary", {}, `${leftOut.length} reviewed ${are} left out`), h("ul", {}, leftOut.map(entry)));
  }
}
