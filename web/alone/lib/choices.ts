/** What can be asked for without a server, and the networks that follow from it. */

import type { Dials } from "./card";
import type { Format } from "./encode";

export const SCALES = [2, 3, 4] as const;
export type Scale = (typeof SCALES)[number];

/** What kind of networks: for clean pictures, quick or good; for pictures as they are; for looks. */
export const KINDS = ["photo-fast", "photo", "real", "vivid"] as const;
export type Kind = (typeof KINDS)[number];

export interface Choices {
  kind: Kind;
  scale: Scale;
  dials: Dials;
  /** "same" is that of the source, where it can be written. */
  format: Format | "same";
  quality: number;
}

export const USUAL: Choices = {
  kind: "real",
  scale: 2,
  dials: { noise: null, compression: null, blur: null, vivid: 1 },
  format: "same",
  quality: 92,
};

/** The name of the network; those that repair come for 2 and 4, and x3 is x4 made smaller. */
export function modelFor(kind: Kind, scale: Scale): string {
  const repairs = kind === "real" || kind === "vivid";
  return `${kind}-x${(repairs && scale === 3 ? 4 : scale).toString()}`;
}

/**
 * The dials that a network of this kind is given.
 *
 * Blur is undone only where it was asked for, or where the picture is to be vivid: whether a soft
 * picture was meant to be soft cannot be seen in it.
 *
 * @param compression What the file says of itself.
 */
export function dialsFor({ kind, dials }: Choices, compression: number | null): Dials {
  const vivid = kind === "vivid";
  return {
    noise: dials.noise,
    compression: dials.compression ?? (compression === null ? null : twentieth(compression)),
    blur: dials.blur ?? (vivid ? null : 0),
    vivid: vivid ? dials.vivid : null,
  };
}

/** So that files of nearly equal compression share a session. */
function twentieth(share: number): number {
  return Math.round(20 * share) / 20;
}

export function formatFor(format: Choices["format"], type: string): Format {
  if (format !== "same") return format;
  if (type === "image/jpeg") return "jpeg";
  return type === "image/webp" ? "webp" : "png";
}

const SUFFIXES: Record<Format, string> = { png: ".png", jpeg: ".jpg", webp: ".webp" };

/** As the command line calls results: `photo.x2.jpg`. */
export function resultName(name: string, scale: number, format: Format): string {
  const match = /^(.+?)(\.[^.]*)?$/.exec(name);
  const own = format === "jpeg" && /^\.jpe?g$/i.test(match?.[2] ?? "") ? match?.[2] : undefined;
  return `${match?.[1] ?? name}.x${scale.toString()}${own ?? SUFFIXES[format]}`;
}
