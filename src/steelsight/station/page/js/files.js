/** Files from a drop or a picker; dropped folders are opened. */

/** @param {DataTransfer} transfer @returns {Promise<File[]>} in the order of their names within each folder. */
export async function droppedFiles(transfer) {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.());
  if (!entries.some((entry) => entry?.isDirectory)) return [...transfer.files];
  const nested = await Promise.all(entries.filter(Boolean).map(filesIn));
  return nested.flat();
}

async function filesIn(entry) {
  if (entry.isFile) return [await new Promise((resolve, reject) => entry.file(resolve, reject))];
  const reader = entry.createReader();
  const children = [];
  for (;;) {
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!some.length) break;
    children.push(...some);
  }
  const named = children.filter(({ name }) => !name.startsWith(".")).sort((a, b) => a.name.localeCompare(b.name));
  return (await Promise.all(named.map(filesIn))).flat();
}
