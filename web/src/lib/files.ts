import { VIDEO_SUFFIXES } from "@/api/formats";
import type { Kind } from "@/api/types";

/** A first guess for the icon; the server looks into the file and has the last word. */
export function kindOf(file: { name: string; type: string }): Kind {
  if (file.type.startsWith("video/")) return "video";
  if (file.type.startsWith("image/")) return "image";
  const name = file.name.toLowerCase();
  return VIDEO_SUFFIXES.some((suffix) => name.endsWith(suffix)) ? "video" : "image";
}

/** Folders of files in what was dropped. */
const folders = new WeakMap<File, string>();

/** The folder of a file in what was dropped or chosen, such as "holiday/2019"; "" for none. */
export function folderOf(file: File): string {
  // Not every browser supports it.
  const path = (file.webkitRelativePath as string | undefined) ?? "";
  return folders.get(file) ?? path.split("/").slice(0, -1).join("/");
}

/** Every file in a drop or a paste, those in dropped folders included. */
export async function filesOf(transfer: DataTransfer): Promise<File[]> {
  // Entries must be read before the first await: the list is emptied after the event.
  const entries = [...transfer.items]
    .filter((item) => item.kind === "file")
    .map((item) => ({ entry: item.webkitGetAsEntry(), file: item.getAsFile() }));
  const found: File[] = [];
  for (const { entry, file } of entries) {
    if (entry?.isDirectory) found.push(...(await filesIn(entry as FileSystemDirectoryEntry)));
    else if (file) found.push(file);
  }
  return found;
}

async function filesIn(folder: FileSystemDirectoryEntry): Promise<File[]> {
  const reader = folder.createReader();
  const found: File[] = [];
  for (;;) {
    const entries = await new Promise<FileSystemEntry[]>((resolve, reject) => {
      reader.readEntries(resolve, reject);
    });
    if (entries.length === 0) return found;
    for (const entry of entries) {
      if (entry.name.startsWith(".")) continue;
      if (entry.isDirectory) found.push(...(await filesIn(entry as FileSystemDirectoryEntry)));
      else found.push(await fileOf(entry as FileSystemFileEntry));
    }
  }
}

function fileOf(entry: FileSystemFileEntry): Promise<File> {
  return new Promise((resolve, reject) => {
    entry.file((file) => {
      folders.set(file, entry.fullPath.split("/").slice(1, -1).join("/"));
      resolve(file);
    }, reject);
  });
}
