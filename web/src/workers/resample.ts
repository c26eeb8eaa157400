/** Enlarges a picture beside the page, so that the page stays quick. */

import { resample, type Method } from "@/lib/resample";

export interface Work {
  picture: ImageBitmap;
  width: number;
  height: number;
  method: Method;
}

declare const self: DedicatedWorkerGlobalScope;

self.onmessage = ({ data }: MessageEvent<Work>) => {
  const { picture, width, height, method } = data;
  const context = new OffscreenCanvas(picture.width, picture.height).getContext("2d");
  if (!context) throw new Error("no 2d canvas");
  context.drawImage(picture, 0, 0);
  const { data: pixels } = context.getImageData(0, 0, picture.width, picture.height);
  const enlarged = resample(pixels, picture.width, picture.height, width, height, method);
  self.postMessage(enlarged.buffer, { transfer: [enlarged.buffer] });
};
