import assert from "node:assert/strict";
import { File } from "node:buffer";
import { test } from "node:test";

import { droppedFiles } from "#page/inspect/dropped_files.js";

/** @param {string} name */
const file = (name) => ({
  isFile: true,
  isDirectory: false,
  name,
  file: (/** @type {(found: File) => void} */ found) => found(new File([name], name)),
});

/** A folder that gives its entries a few at a time, as browsers do. @param {string} name @param {...object} children */
const folder = (name, ...children) => ({
  isFile: false,
  isDirectory: true,
  name,
  createReader: () => ({ readEntries: (/** @type {(found: object[]) => void} */ found) => found(children.splice(0, 2)) }),
});

/** @param {object[]} entries */
const transferOf = (entries) => /** @type {DataTransfer} */ (/** @type {unknown} */ ({
  items: entries.map((entry) => ({ webkitGetAsEntry: () => entry })),
  files: [new File(["x"], "plain.jpg")],
}));

test("folders are opened to the last file, in the order of names, hidden ones left out", async () => {
  const coil = folder("coil", file("d.jpg"), file("a.jpg"), folder("b", file("2.jpg"), file("1.jpg")), file(".hidden"), file("c.jpg"));
  const given = await droppedFiles(transferOf([coil, file("e.jpg")]));
  assert.deepEqual(given.map(({ name }) => name), ["a.jpg", "1.jpg", "2.jpg", "c.jpg", "d.jpg", "e.jpg"]);
  assert.equal(await (await given[1].file()).text(), "1.jpg");
});

test("files without a folder are taken as they are", async () => {
  assert.deepEqual((await droppedFiles(transferOf([file("plain.jpg")]))).map(({ name }) => name), ["plain.jpg"]);
});
