/** A picture, or a frame of a video, as the browser shows it, and its size. */

/** A video whose frame takes longer than this gets a symbol instead. */
const POSTER_TIMEOUT_MS = 5000;

async function frameOf(file: Blob): Promise<ImageBitmap> {
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
    // The first frame is often black.
    const sought = happens("seeked");
    video.currentTime = Math.min(1, (Number.isFinite(video.duration) ? video.duration : 0) * 0.1);
    await sought;
    return await createImageBitmap(video);
  } finally {
    video.removeAttribute("src");
    video.load();
    URL.revokeObjectURL(address);
  }
}

/**
 * The pixels of a picture, or of a frame near a video's beginning; whoever asks closes them.
 *
 * @throws Where the browser cannot show this kind of file (TIFF, say).
 */
export const openedBitmap = (file: Blob): Promise<ImageBitmap> =>
  file.type.startsWith("video/") ? frameOf(file) : createImageBitmap(file);
