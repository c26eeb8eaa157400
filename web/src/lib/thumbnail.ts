/** Small pictures of files on this computer, before anything is sent. */

import { openedBitmap } from "@/lib/opened";

const SIDE = 320;

export interface Thumbnail {
  picture: Blob;
  /** Of the file itself. */
  width: number;
  height: number;
}

/** A thumbnail, or null if the browser cannot show this kind of file (TIFF, say). */
export async function thumbnail(file: Blob): Promise<Thumbnail | null> {
  try {
    const bitmap = await openedBitmap(file);
    try {
      const { width, height } = bitmap;
      const factor = Math.min(1, SIDE / Math.min(width, height));
      const canvas = new OffscreenCanvas(
        Math.max(1, Math.round(width * factor)),
        Math.max(1, Math.round(height * factor)),
      );
      const context = canvas.getContext("2d");
      if (!context) return null;
      context.imageSmoothingQuality = "high";
      context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
      const picture = await canvas.convertToBlob({ type: "image/webp", quality: 0.8 });
      return { picture, width, height };
    } finally {
      bitmap.close();
    }
  } catch {
    return null;
  }
}
