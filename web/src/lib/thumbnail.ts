/** Small pictures of files on this computer, before anything is sent. */

const SIDE = 320;
/** A video whose first frame takes longer than this gets a symbol instead. */
const POSTER_TIMEOUT_MS = 5000;

async function shrink(source: CanvasImageSource, width: number, height: number): Promise<Blob> {
  const factor = Math.min(1, SIDE / Math.min(width, height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(width * factor));
  canvas.height = Math.max(1, Math.round(height * factor));
  const context = canvas.getContext("2d");
  if (!context) throw new Error("no 2d canvas");
  context.imageSmoothingQuality = "high";
  context.drawImage(source, 0, 0, canvas.width, canvas.height);
  return new Promise((resolve, reject) => {
    canvas.toBlob(
      (blob) => (blob ? resolve(blob) : reject(new Error("empty picture"))),
      "image/webp",
      0.8,
    );
  });
}

async function ofImage(file: Blob): Promise<Blob> {
  const bitmap = await createImageBitmap(file);
  try {
    return await shrink(bitmap, bitmap.width, bitmap.height);
  } finally {
    bitmap.close();
  }
}

async function ofVideo(file: Blob): Promise<Blob> {
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
    return await shrink(video, video.videoWidth, video.videoHeight);
  } finally {
    video.removeAttribute("src");
    video.load();
    URL.revokeObjectURL(address);
  }
}

/** A thumbnail, or null where the browser cannot show this kind of file (TIFF, say). */
export async function thumbnail(file: File): Promise<Blob | null> {
  try {
    return await (file.type.startsWith("video/") ? ofVideo(file) : ofImage(file));
  } catch {
    return null;
  }
}
