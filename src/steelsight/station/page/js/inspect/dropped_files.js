/** Files from a drop or a picker; dropped folders are opened. */

/** @typedef {{ name: string, file: () => File|Promise<File> }} Given `file` fails for one that cannot be had */

/**
 * @param {DataTransfer} transfer
 * @returns {Promise<Given[]>} in the order of their names within each folder.
 */
export async function droppedFiles(transfer) {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry());
  if (!entries.some((entry) => entry?.isDirectory)) return [...transfer.files].map(given);
  const nested = await Promise.all(entries.flatMap((entry) => (entry ? [filesIn(entry)] : [])));
  return nested.flat();
}

/** A file that is there already. @param {File} file @returns {Given} */
export const given = (file) => ({ name: file.name, file: () => file });

/** @param {FileSystemEntry} entry @returns {Promise<Given[]>} */
async function filesIn(entry) {
  const { name } = entry;
  if (isFile(entry)) return [{ name, file: () => new Promise((resolve, reject) => entry.file(resolve, reject)) }];
  if (!isFolder(entry)) return [];
  /** @type {FileSystemEntry[]} */
  const children = [];
  try {
    const reader = entry.createReader();
    for (;;) {
      /** @type {FileSystemEntry[]} */
      const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
      if (!some.length) break;
      children.push(...some);
    }
  } catch (error) {
    return [{ name, file: () => Promise.reject(error) }];
  }
  const named = children.filter((child) => !child.name.startsWith(".")).sort((a, b) => a.name.localeCompare(b.name));
  return (await Promise.all(named.map(filesIn))).flat();
}

/** @param {FileSystemEntry} entry @returns {entry is FileSystemFileEntry} */
const isFile = (entry) => entry.isFile;

/** @param {FileSystemEntry} entry @returns {entry is FileSystemDirectoryEntry} */
const isFolder = (entry) => entry.isDirectory;
