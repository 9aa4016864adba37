/** The keys of the review. */

import { TOOLS } from "./editor.js";
import { isTyping } from "../lib/keyboard.js";
import { MODES } from "../viewer/viewer.js";

/**
 * @import { AddKey } from "../lib/keyboard.js"
 * @import { Review } from "./review.js"
 */

/**
 * @param {Review} review the view; see review.js. @param {AddKey} keys adds a key of it; see main.js.
 * @returns {() => void} to be called before the view is left.
 */
export function listen(review, keys) {
  const { editor, form, stage, toolbar, viewer } = review;
  keys("a", "agree", () => review.save(false));
  keys("s", "save the correction", () => review.save(true));
  keys("p", "say pass", () => form.say("pass"));
  keys("r", "say reject", () => form.say("reject"));
  keys("j", "next image", () => review.go(1));
  keys("k", "previous image", () => review.go(-1));
  for (const { name, key, does } of TOOLS) keys(key, `${name}: ${does}`, () => editor.choose(name));
  keys("[", "smaller brush", () => editor.chooseBrush(editor.brush / 1.25 - 0.5));
  keys("]", "larger brush", () => editor.chooseBrush(editor.brush * 1.25 + 0.5));
  for (let number = 1; number < 10; number++) keys(String(number), "draw this class", () => editor.chooseClass(number));
  for (const mode of MODES) {
    keys(mode[0], `draw as ${mode}`, () => { viewer.setMode(mode); toolbar.refresh(); });
  }
  keys("u", "undo (also Ctrl+Z)", () => editor.undo());
  keys("Escape", "take back what is being drawn", () => editor.cancel());
  /** @param {KeyboardEvent} event */
  const shortcut = (event) => {
    const key = event.key.toLowerCase();
    if (!(event.ctrlKey || event.metaKey) || (key !== "z" && key !== "y") || isTyping(event)) return;
    event.preventDefault();
    if (key === "y" || event.shiftKey) editor.redo();
    else editor.undo();
  };
  document.addEventListener("keydown", shortcut);
  stage.addEventListener("keydown", (event) => event.key === "Enter" && editor.corners.length > 2 && editor.close());
  return () => document.removeEventListener("keydown", shortcut);
}
