/** The corrections as a dataset that `steelsight train` reads: what is in it, and what is left out and why. */
import * as api from "./api.js";
import { h } from "./dom.js";
import { downloadLink } from "./links.js";

export class Corrections {
  constructor(card, failed) {
    this.card = card;
    this.failed = failed;
    this.element = h("section", { class: "corrections", "aria-label": "Corrections" });
  }

  /** Ask again: after each review. */
  async refresh() {
    const { images, defective, classes, left_out: leftOut } = await api.corrections();
    const per = Object.entries(classes).map(([name, count]) => `${name} in ${count}`);
    this.element.replaceChildren(
      h("h3", {}, "Corrections"),
      images
        ? h(
            "p",
            {},
            `The reviews make a dataset of ${images} images, ${defective} of them defective`,
            per.length ? ` (${per.join(", ")}).` : ".",
          )
        : h("p", { class: "soft" }, "No reviewed image to train on yet."),
      images
        ? h(
            "p",
            {},
            downloadLink(this.card, "/corrections.zip", "corrections.zip", "Download the dataset", this.failed),
            " – unpack it, and ",
            h("code", {}, "steelsight train FOLDER --recipe demo"),
            " makes the next inspector from it.",
          )
        : null,
      leftOut.length ? this.missing(leftOut) : null,
    );
  }

  missing(leftOut) {
    const entry = ({ id, why }) => h("li", {}, h("a", { href: `#review/${id}` }, `Inspection ${id}`), `: ${why}`);
    return h(
      "details",
      {},
      h("summary", {}, `${leftOut.length} reviewed image${leftOut.length === 1 ? " is" : "s are"} left out`),
      h("ul", {}, leftOut.map(entry)),
    );
  }
}
