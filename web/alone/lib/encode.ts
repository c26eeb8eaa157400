/* eslint-disable @typescript-eslint/no-non-null-assertion -- every index is inside by construction */
/** Pixels as a file. */

import { encode as encodePng } from "fast-png";

import { intoJpeg, intoPng, type Metadata } from "./metadata";
import { hasAlpha, type Picture } from "./picture";

export const FORMATS = ["png", "jpeg", "webp"] as const;
export type Format = (typeof FORMATS)[number];

export interface Encoded {
  blob: Blob;
  notes: string[];
}

/** What is lost in this format, a sentence each. */
export function losses(picture: Picture, metadata: Metadata, format: Format): string[] {
  const notes: string[] = [];
  if (format !== "png" && picture.peak > 255) notes.push("16 bits became 8: only PNG keeps them.");
  if (format === "jpeg" && hasAlpha(picture)) {
    notes.push("JPEG has no transparency, so the picture was laid on white.");
  }
  const some = metadata.exif ?? metadata.xmp ?? metadata.icc;
  if (format === "webp" && some) {
    notes.push("Metadata and colour profile are kept in JPEG and PNG only.");
  }
  return notes;
}

export async function encode(
  picture: Picture,
  metadata: Metadata,
  format: Format,
  quality: number,
): Promise<Encoded> {
  const notes = losses(picture, metadata, format);
  if (format === "png") {
    // A canvas knows neither grey nor 16 bits, rounds colour under faint alpha, and always adds one.
    const plain = encodePng({
      width: picture.width,
      height: picture.height,
      data: picture.pixels,
      depth: picture.peak > 255 ? 16 : 8,
      channels: picture.channels,
    });
    return { blob: new Blob([await intoPng(plain, metadata)], { type: "image/png" }), notes };
  }
  const plain = await native(picture, `image/${format}`, quality);
  const whole = format === "jpeg" ? intoJpeg(plain, metadata) : plain;
  return { blob: new Blob([whole], { type: `image/${format}` }), notes };
}

async function native(
  picture: Picture,
  type: string,
  quality: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const { width, height } = picture;
  const alpha = hasAlpha(picture) && type !== "image/jpeg";
  const context = new OffscreenCanvas(width, height).getContext("2d", { alpha });
  if (!context) throw new Error("The browser has no canvas to write pictures with.");
  context.putImageData(new ImageData(rgba(picture, type === "image/jpeg"), width, height), 0, 0);
  const blob = await context.canvas.convertToBlob({ type, quality: quality / 100 });
  if (blob.type !== type) throw new Error("The browser cannot write this format; choose PNG.");
  return new Uint8Array(await blob.arrayBuffer());
}

/** Eight bits a channel, as a canvas takes them. */
export function rgba(picture: Picture, onWhite: boolean): Uint8ClampedArray<ArrayBuffer> {
  const { width, height, channels, peak, pixels } = picture;
  const out = new Uint8ClampedArray(width * height * 4);
  const factor = 255 / peak;
  const [green, blue] = channels < 3 ? [0, 0] : [1, 2];
  const clear = hasAlpha(picture);
  for (let i = 0, at = 0; i < out.length; i += 4, at += channels) {
    const alpha = clear ? pixels[at + channels - 1]! * factor : 255;
    const share = onWhite ? alpha / 255 : 1;
    const under = 255 - 255 * share;
    out[i] = pixels[at]! * factor * share + under;
    out[i + 1] = pixels[at + green]! * factor * share + under;
    out[i + 2] = pixels[at + blue]! * factor * share + under;
    out[i + 3] = onWhite ? 255 : alpha;
  }
  return out;
}
