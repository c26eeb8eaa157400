import type { JobOptions, Kind, Option, Settings } from "@/api/types";
import type { FileFacts } from "@/api/types";

export type Damage = NonNullable<FileFacts["damage"]>;

/** How much of each kind of damage is repaired; by default, as much as was measured. */
export const DIALS = ["denoise", "dejpeg", "deblur"] as const satisfies (keyof JobOptions)[];
export type Dial = (typeof DIALS)[number];

/** How far a picture may go from what was there towards what looks good. */
export const VIVID = "vivid" satisfies keyof JobOptions;

/**
 * How much a dial repairs by default: what was measured, except blur, since a picture does not
 * show whether its softness was intended.
 */
export function measuredFor(dial: Dial, damage: Damage | null | undefined): number | null {
  const by = { denoise: damage?.noise, dejpeg: damage?.compression, deblur: damage ? 0 : null };
  return by[dial] ?? null;
}

/** Those of these options that the server has, and that concern files of one of these kinds. */
export function offeredOf<Name extends string>(
  names: readonly Name[],
  settings: Settings | null,
  kinds: readonly Kind[],
): (Option & { name: Name })[] {
  return names.flatMap((name) => {
    const option = settings?.options.find((one) => one.name === name);
    const fits = option?.kinds.some((kind) => kinds.includes(kind)) ?? false;
    return option && fits ? [{ ...option, name }] : [];
  });
}
