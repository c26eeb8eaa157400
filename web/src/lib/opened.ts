/** A picture, or a frame of a video, as the browser shows it, and its size. */

import type { FilePlan } from "@/api/types";

/** The wanted part of a video: its start, and a rectangle of its picture. */
export interface Part {
  beginS: number;
  box: FilePlan["box"];
}

const WHOLE: Part = { beginS: 0, box: null };

/** A video whose frame takes longer than this gets a symbol instead. */
const POSTER_TIMEOUT_MS = 5000;

async function frameOf(file: Blob, { beginS, box }: Part): Promise<ImageBitmap> {
  const video = document.createElement("video");
  const address = URL.createObjectURL(file);
  const happens = (name: "loadeddata" | "seeked") =>
    new Promise<void>((resolve, reject) => {
      const late = setTimeout(() => {
        reject(new Error("too slow"));
      }, POSTER_TIMEOUT_MS);
      const settle = (act: () => void) => () => {
        clearTimeout(late);
        act();
      };
      video.addEventListener(name, settle(resolve), { once: true });
      video.addEventListener(
        "error",
        settle(() => {
          reject(new Error("not playable"));
        }),
        { once: true },
      );
    });
  try {
    video.muted = true;
    video.preload = "auto";
    const loaded = happens("loadeddata");
    video.src = address;
    await loaded;
    const sought = happens("seeked");
    const length = Number.isFinite(video.duration) ? video.duration : 0;
    // The first frame is often black.
    video.currentTime = beginS > 0 ? Math.min(beginS, length) : Math.min(1, length * 0.1);
    await sought;
    return box
      ? await createImageBitmap(video, box.left, box.top, box.width, box.height)
      : await createImageBitmap(video);
  } finally {
    video.removeAttribute("src");
    video.load();
    URL.revokeObjectURL(address);
  }
}

/**
 * The pixels of a picture, or of a frame near the beginning of a video or of a part; the caller closes
 * them.
 *
 * @throws If the browser cannot show this kind of file (TIFF, say).
 */
export const openedBitmap = (file: Blob, part = WHOLE): Promise<ImageBitmap> =>
  file.type.startsWith("video/") ? frameOf(file, part) : createImageBitmap(file);
