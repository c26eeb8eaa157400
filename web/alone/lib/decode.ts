/* eslint-disable @typescript-eslint/no-non-null-assertion -- every index is inside by construction */
/** A file as upright pixels, in the colours of its own profile. */

import { decode as decodePng, hasPngSignature, type DecodedPng } from "fast-png";

import { compressionOf } from "./compression";
import {
  isJpeg,
  jpegChannels,
  metadataOf,
  orientationOf,
  upright,
  type Metadata,
} from "./metadata";
import { blank, hasAlpha, type Levels, type Picture } from "./picture";

export interface Decoded {
  picture: Picture;
  metadata: Metadata;
  /** The dial of what a JPEG says of itself; null for other files. */
  compression: number | null;
  /** What a person should know, a sentence each. */
  notes: string[];
}

/** Refuses what would not fit into a tab's memory. */
export const MAX_SOURCE_PX = 64e6;

const TOO_LARGE = "The picture has more than 64 megapixels; use the command line for it.";

export async function decode(file: Blob): Promise<Decoded> {
  const bytes = new Uint8Array(await file.arrayBuffer());
  const found = await metadataOf(bytes);
  // The browser's own decoder would multiply colour by alpha and cut 16 bits to 8.
  const png = hasPngSignature(bytes);
  const picture = png ? turned(fromPng(bytes), orientationOf(found.exif)) : await native(file);
  const grey = isJpeg(bytes) && jpegChannels(bytes) === 1;
  const kept = png || isJpeg(bytes);
  return {
    picture: grey ? first(picture, 1) : picture,
    metadata: upright(found),
    compression: compressionOf(bytes),
    notes: kept ? [] : ["Metadata and colour profile of such files are not carried over."],
  };
}

function fromPng(bytes: Uint8Array): Picture {
  const size = new DataView(bytes.buffer, bytes.byteOffset);
  if (bytes.length > 24 && size.getUint32(16) * size.getUint32(20) > MAX_SOURCE_PX) {
    throw new Error(TOO_LARGE);
  }
  const image = read(bytes);
  const { width, height, depth, channels, data, palette } = image;
  const peak = depth === 16 ? 65535 : 255;
  if (palette) return fromPalette(width, height, unpacked(data, width, height, depth), palette);
  let levels = (depth === 16 ? data : unpacked(data, width, height, depth)) as Levels;
  if (depth < 8) levels = levels.map((level) => (level * 255) / (2 ** depth - 1));
  const plain: Picture = { width, height, channels, peak, pixels: levels };
  const hidden = image.transparency;
  return hidden && !hasAlpha(plain) ? keyed(plain, [...hidden], depth) : plain;
}

function read(bytes: Uint8Array): DecodedPng {
  try {
    return decodePng(bytes);
  } catch {
    throw new Error("This PNG is damaged; fetch it again.");
  }
}

/** One level a byte, of several in each. */
function unpacked(data: ArrayLike<number>, width: number, height: number, depth: number): Levels {
  if (depth >= 8) return data as Levels;
  const levels = new Uint8Array(width * height);
  const stride = Math.ceil((width * depth) / 8);
  for (let y = 0, to = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1, to += 1) {
      const bit = x * depth;
      const shift = 8 - depth - (bit & 7);
      levels[to] = (data[y * stride + (bit >> 3)]! >> shift) & (2 ** depth - 1);
    }
  }
  return levels;
}

function fromPalette(width: number, height: number, indices: Levels, palette: number[][]): Picture {
  const clear = palette.some((entry) => (entry[3] ?? 255) < 255);
  const channels = clear ? 4 : 3;
  const pixels = new Uint8Array(width * height * channels);
  for (let i = 0; i < width * height; i += 1) {
    const entry = palette[indices[i]!] ?? [];
    for (let c = 0; c < channels; c += 1) pixels[i * channels + c] = entry[c] ?? (c < 3 ? 0 : 255);
  }
  return { width, height, channels, peak: 255, pixels };
}

/** With alpha in place of the one colour that stands for transparency. */
function keyed(source: Picture, levels: number[], depth: number): Picture {
  const factor = depth < 8 ? 255 / (2 ** depth - 1) : 1;
  const key = levels.map((level) => level * factor);
  const { width, height, channels, peak, pixels } = source;
  const result = blank({ ...source, channels: channels + 1 }, width, height);
  for (let i = 0; i < width * height; i += 1) {
    let same = true;
    for (let c = 0; c < channels; c += 1) {
      const level = pixels[i * channels + c]!;
      result.pixels[i * (channels + 1) + c] = level;
      same &&= level === key[c];
    }
    result.pixels[i * (channels + 1) + channels] = same ? 0 : peak;
  }
  return result;
}

/** Turned upright from how it is stored; see EXIF 2.32, tag 0x0112. */
export function turned(source: Picture, orientation: number): Picture {
  if (orientation === 1) return source;
  const { width, height, channels, pixels } = source;
  const swapped = orientation > 4;
  const result = blank(source, swapped ? height : width, swapped ? width : height);
  const mirrored = [2, 3, 7, 8].includes(orientation);
  const flipped = [3, 4, 6, 7].includes(orientation);
  for (let y = 0, to = 0; y < result.height; y += 1) {
    for (let x = 0; x < result.width; x += 1, to += channels) {
      const [along, down] = swapped ? [y, x] : [x, y];
      const fromX = mirrored ? width - 1 - along : along;
      const fromY = flipped ? height - 1 - down : down;
      const at = (fromY * width + fromX) * channels;
      for (let c = 0; c < channels; c += 1) result.pixels[to + c] = pixels[at + c]!;
    }
  }
  return result;
}

/** Whatever the browser can read; it turns pictures upright itself. */
async function native(file: Blob): Promise<Picture> {
  let bitmap: ImageBitmap;
  try {
    bitmap = await createImageBitmap(file, {
      colorSpaceConversion: "none",
      premultiplyAlpha: "none",
    });
  } catch {
    throw new Error("The browser cannot read this file; try JPEG, PNG, WebP or AVIF.");
  }
  const { width, height } = bitmap;
  if (width * height > MAX_SOURCE_PX) throw new Error(TOO_LARGE);
  const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
  if (!context) throw new Error("The browser has no canvas to read pictures with.");
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  const { data } = context.getImageData(0, 0, width, height);
  const pixels = new Uint8Array(data.buffer);
  const clear = pixels.some((level, i) => i % 4 === 3 && level < 255);
  const whole: Picture = { width, height, channels: 4, peak: 255, pixels };
  return clear ? whole : first(whole, 3);
}

/** The first channels alone. */
function first(source: Picture, channels: number): Picture {
  const result = blank({ ...source, channels }, source.width, source.height);
  for (let i = 0; i < source.width * source.height; i += 1) {
    for (let c = 0; c < channels; c += 1) {
      result.pixels[i * channels + c] = source.pixels[i * source.channels + c]!;
    }
  }
  return result;
}
