/** The piece of a picture that is tried out before the whole of it is enhanced. */

import type { JobOptions, Settings } from "@/api/types";

export interface Piece {
  x: number;
  y: number;
  width: number;
  height: number;
}

/** A smaller piece shows nothing, and networks need some context. */
const LEAST_PX = 48;
/** What concerns the whole file, or how it is written. */
const NOT_OF_A_PIECE = new Set(["scale", "width", "height", "fit", "format", "quality"]);

interface Size {
  width: number;
  height: number;
}

/**
 * The piece that fills a box pixel by pixel when it is enlarged, around a place.
 *
 * @param centre - In the picture's own pixels.
 * @param factor - How many times as long its sides become.
 */
export function pieceAt(
  centre: { x: number; y: number },
  picture: Size,
  box: Size,
  factor: number,
): Piece {
  const side = (shown: number, whole: number) =>
    Math.min(whole, Math.max(LEAST_PX, Math.round(shown / Math.max(1, factor))));
  const width = side(box.width, picture.width);
  const height = side(box.height, picture.height);
  const begin = (at: number, length: number, whole: number) =>
    Math.round(Math.min(whole - length, Math.max(0, at - length / 2)));
  return {
    x: begin(centre.x, width, picture.width),
    y: begin(centre.y, height, picture.height),
    width,
    height,
  };
}

/**
 * The centre of a piece that was moved, which stays inside its picture.
 *
 * @param by - In the picture's own pixels.
 */
export function movedBy(
  centre: { x: number; y: number },
  by: { x: number; y: number },
  piece: Size,
  picture: Size,
): { x: number; y: number } {
  const within = (at: number, length: number, whole: number) =>
    Math.min(whole - length / 2, Math.max(length / 2, at));
  return {
    x: within(centre.x + by.x, piece.width, picture.width),
    y: within(centre.y + by.y, piece.height, picture.height),
  };
}

/** The largest size of a shape that fits into a room. */
export function fitted(shape: Size, room: Size): Size {
  const factor = Math.min(room.width / shape.width, room.height / shape.height);
  return { width: shape.width * factor, height: shape.height * factor };
}

export const samePiece = (one: Piece, other: Piece): boolean =>
  one.x === other.x &&
  one.y === other.y &&
  one.width === other.width &&
  one.height === other.height;

/** Request parameters that make a piece look as it will in the whole file. */
export function pieceParams(
  options: Partial<JobOptions>,
  factor: number,
  jpegStep: number | null,
  settings: Settings | null,
): URLSearchParams {
  const params = new URLSearchParams({ format: "png" });
  if (options.scale || options.width || options.height) params.set("scale", factor.toString());
  for (const { name, word, kinds } of settings?.options ?? []) {
    const value = options[name as keyof JobOptions];
    if (value == null || value === false || NOT_OF_A_PIECE.has(name) || !kinds.includes("image"))
      continue;
    for (const one of Array.isArray(value) ? value : [value]) params.append(word, one.toString());
  }
  if (jpegStep !== null) params.set("jpeg_step", jpegStep.toString());
  return params;
}

/** A piece as a file, every pixel as it is. */
export async function cutOut(picture: ImageBitmap, piece: Piece): Promise<Blob> {
  const canvas = new OffscreenCanvas(piece.width, piece.height);
  const context = canvas.getContext("2d");
  if (!context) throw new Error("no 2d canvas");
  context.drawImage(picture, -piece.x, -piece.y);
  return await canvas.convertToBlob({ type: "image/png" });
}
