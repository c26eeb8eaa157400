/** How much a JPEG was compressed, by its own tables; see `crispen.look.jpeg`. */

import { isJpeg, segments } from "./metadata";

/** The first 28 steps of Annex K's luma table, in zigzag order, summed up. */
const STANDARD = 683;
const TABLES = 0xdb;
const WORST_STEP = 500;
const KNEE = 10;

/** The dial of what a file says of itself, from 0 to 1; null for files that are no JPEG. */
export function compressionOf(file: Uint8Array): number | null {
  if (!isJpeg(file)) return null;
  for (const { marker, content } of segments(file)) {
    if (marker !== TABLES) continue;
    for (let at = 0; at < content.length;) {
      const kind = content[at] ?? 0;
      const wide = kind >> 4 ? 2 : 1;
      if ((kind & 15) === 0) {
        let sum = 0;
        for (let i = 0; i < 28; i += 1) {
          const place = at + 1 + wide * i;
          sum +=
            wide === 2
              ? 256 * (content[place] ?? 0) + (content[place + 1] ?? 0)
              : (content[place] ?? 0);
        }
        const step = (100 * sum) / STANDARD;
        return Math.min(1, Math.log1p(step / KNEE) / Math.log1p(WORST_STEP / KNEE));
      }
      at += 1 + 64 * wide;
    }
  }
  return null;
}
