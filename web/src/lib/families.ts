import type { Model } from "@/api/types";

/** Models that differ by their scale alone. */
export interface Family {
  stem: string;
  /** By scale. */
  models: Model[];
  rank: number | null;
  use: string;
  own: boolean;
}

/** Models by family: recommended ones first, then by name. */
export function familiesOf(models: readonly Model[]): Family[] {
  const families = new Map<string, Family>();
  for (const model of models) {
    const { name, rank, use, own } = model;
    // A user's own model is a family of its own, even if it replaces one that ships.
    const key = own ? name : model.stem;
    const family = families.get(key) ?? { stem: key, models: [], rank: rank ?? null, use, own };
    family.models.push(model);
    families.set(key, family);
  }
  for (const { models: its } of families.values()) its.sort((a, b) => a.scale - b.scale);
  const place = ({ rank }: Family) => rank ?? Infinity;
  return [...families.values()].sort((a, b) => place(a) - place(b) || a.stem.localeCompare(b.stem));
}

const best = (family: Family) =>
  Math.max(0, ...family.models.flatMap(({ results }) => results.map(({ psnr }) => psnr)));
const fastest = (family: Family) =>
  Math.min(...family.models.map(({ photo_s: seconds }) => seconds ?? Infinity));

/** What distinguishes a family among those for the same purpose: the fastest, or the best. */
export function praiseOf(family: Family, all: readonly Family[]): string {
  const { task } = family.models[0] ?? {};
  const rivals = all.filter(
    ({ rank, models }) => rank !== null && models[0]?.task === task && task === "upscale",
  );
  if (rivals.length < 2 || !rivals.includes(family)) return "";
  if (rivals.every((rival) => best(rival) <= best(family))) return "Best quality";
  return rivals.every((rival) => fastest(rival) >= fastest(family)) ? "Fastest" : "";
}
