import type { Method } from "@/lib/resample";
import type { Work } from "@/workers/resample";

/** Above this many pixels the browser's own enlarging is used; ours would take seconds. */
export const MAX_ENLARGED_PX = 32e6;

/** The picture at an address enlarged to a size, computed in a worker. */
export async function enlarge(
  address: string,
  width: number,
  height: number,
  method: Method,
  signal: AbortSignal,
): Promise<ImageData> {
  const answer = await fetch(address, { signal });
  const picture = await createImageBitmap(await answer.blob());
  const worker = new Worker(new URL("../workers/resample.ts", import.meta.url), { type: "module" });
  try {
    const bytes = await new Promise<ArrayBuffer>((resolve, reject) => {
      signal.addEventListener("abort", () => {
        reject(new DOMException("no longer needed", "AbortError"));
      });
      worker.onmessage = ({ data }: MessageEvent<ArrayBuffer>) => {
        resolve(data);
      };
      worker.onerror = (event) => {
        reject(new Error(event.message));
      };
      const work: Work = { picture, width, height, method };
      worker.postMessage(work, [picture]);
    });
    return new ImageData(new Uint8ClampedArray(bytes), width, height);
  } finally {
    worker.terminate();
  }
}
