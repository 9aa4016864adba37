/** Files from a drop or a picker; dropped folders are opened. */

/**
 * @param {DataTransfer} transfer
 * @returns {Promise<{name: string, file: () => File|Promise<File>}[]>} in the order of their names within each folder; `file`
 *   fails for one that cannot be had.
 */
export async function droppedFiles(transfer) {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.());
  if (!entries.some((entry) => entry?.isDirectory)) return [...transfer.files].map(given);
  const nested = await Promise.all(entries.filter(Boolean).map(filesIn));
  return nested.flat();
}

/** A file that is there already. */
export const given = (file) => ({ name: file.name, file: () => file });

async function filesIn(entry) {
  const { name } = entry;
  if (entry.isFile) return [{ name, file: () => new Promise((resolve, reject) => entry.file(resolve, reject)) }];
  const children = [];
  try {
    const reader = entry.createReader();
    for (;;) {
      const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
      if (!some.length) break;
      children.push(...some);
    }
  } catch (error) {
    return [{ name, file: () => Promise.reject(error) }];
  }
  const named = children.filter(({ name }) => !name.startsWith(".")).sort((a, b) => a.name.localeCompare(b.name));
  return (await Promise.all(named.map(filesIn))).flat();
}
