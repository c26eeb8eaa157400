import type { JobOptions, Kind, Option, Settings } from "@/api/types";
import { DIALS, VIVID } from "@/lib/dials";

/** Options with controls of their own in the panel; all others get one by their type. */
export const PLACED = [
  "scale",
  "width",
  "height",
  "fit",
  "tasks",
  "models",
  "strength",
  "format",
  "quality",
  "as_is",
  ...DIALS,
  VIVID,
] as const satisfies readonly (keyof JobOptions)[];

/** What was chosen for an option: as typed, or null for the server's default. */
export type Value = string | number | boolean | null;

/** The options without controls of their own that concern one of these kinds. */
export function furtherOptions(settings: Settings | null, kinds: readonly Kind[]): Option[] {
  const placed: readonly string[] = PLACED;
  return (settings?.options ?? []).filter(
    (option) => !placed.includes(option.name) && option.kinds.some((kind) => kinds.includes(kind)),
  );
}

/** The options that belong together, by their headings. */
export function groupsOf(options: readonly Option[]): { title: string; options: Option[] }[] {
  const titles = new Set(options.map(({ group }) => group).filter(Boolean));
  return [...titles].map((title) => ({
    title,
    options: options.filter(({ group }) => group === title),
  }));
}

/** Whether an option is chosen on a scale from nothing to all of it. */
export const isShare = (option: Option): boolean =>
  option.type === "number" && option.minimum === 0 && option.maximum === 1;

/** The choices; of codecs, only those that the container can hold. */
export function picksOf(option: Option, format: string | null, settings: Settings | null) {
  const held = settings?.formats.find((choice) => choice.format === format)?.codecs ?? [];
  const all = option.choices ?? [];
  return option.name === "codec" && held.length > 0 ? all.filter((c) => held.includes(c)) : all;
}

/** What is wrong with what was typed, in words that say what to do; "" if nothing is. */
export function optionProblem(option: Option, value: Value): string {
  if (value === null || value === "" || (option.type !== "number" && option.type !== "integer"))
    return "";
  const number = Number(value);
  if (Number.isNaN(number)) return "Enter a number.";
  if (option.type === "integer" && !Number.isInteger(number)) return "Enter a whole number.";
  const [least, most] = [option.minimum, option.maximum];
  const low = least != null && number < least;
  const high = most != null && number > most;
  if (!low && !high) return "";
  return `Enter a number from ${String(least ?? 0)} to ${String(most)}.`;
}

/** A choice as the API takes it; undefined if it is left to the server. */
export function valueOf(option: Option, value: Value | undefined): Value | undefined {
  if (value === undefined || value === null || value === "" || value === option.default) {
    return undefined;
  }
  return option.type === "number" || option.type === "integer" ? Number(value) : value;
}
