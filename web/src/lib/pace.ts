/** How long models take on this server, learned from earlier work. */

export interface Sample {
  /** Names of the networks, in order. */
  models: readonly string[];
  /** Pixels of the source, all frames together. */
  pixels: number;
  seconds: number;
}

const keyOf = (models: readonly string[]): string => models.join("+");

/**
 * The pace of models is that of their largest work, since small work measures start-up rather
 * than speed; among work of one size the fastest counts, which had no start-up.
 */
export function paceOf(models: readonly string[], samples: readonly Sample[]): number | null {
  const key = keyOf(models);
  let best: Sample | null = null;
  for (const sample of samples) {
    if (keyOf(sample.models) !== key || sample.pixels <= 0 || sample.seconds <= 0) continue;
    const larger = best === null || sample.pixels > best.pixels;
    const faster = sample.pixels === best?.pixels && sample.seconds < best.seconds;
    if (larger || faster) best = sample;
  }
  return best ? best.seconds / best.pixels : null;
}

/** About how many seconds a file will take; null if nothing like it was done before. */
export function secondsFor(
  models: readonly string[],
  pixels: number,
  samples: readonly Sample[],
): number | null {
  const pace = paceOf(models, samples);
  return pace === null ? null : pace * pixels;
}
