/** Pixels as they go from one step to the next. */

export type Levels = Uint8Array<ArrayBuffer> | Uint16Array<ArrayBuffer>;

export interface Picture {
  width: number;
  height: number;
  /** 1 grey, 2 grey and alpha, 3 RGB, 4 RGB and alpha; the last one changes fastest. */
  channels: number;
  /** The largest level: 255 or 65535. */
  peak: number;
  pixels: Levels;
}

export function hasAlpha({ channels }: { channels: number }): boolean {
  return channels % 2 === 0;
}

/** Room for another picture of the same kind. */
export function blank(like: Picture, width: number, height: number): Picture {
  const size = width * height * like.channels;
  const pixels = like.peak > 255 ? new Uint16Array(size) : new Uint8Array(size);
  return { ...like, width, height, pixels };
}
