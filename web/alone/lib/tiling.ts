/** Windows cut with their halo, as `crispen.enhance.tiling` cuts them: whole equals tiles. */

export interface Span {
  start: number;
  stop: number;
  /** What this window answers for. */
  coreStart: number;
  coreStop: number;
}

/** Larger windows gain little, and smaller ones stay in the caches and report progress. */
export const WINDOW_PX = 140_000;
/** Multiply-adds in one window: a second or less on an ordinary computer. */
const WINDOW_WORK = 1.5e10;

/** Windows of equal length whose cores part `[0, length)`. */
export function spans(length: number, window: number, halo: number): Span[] {
  if (length <= window) return [{ start: 0, stop: length, coreStart: 0, coreStop: length }];
  if (window <= 2 * halo) throw new RangeError("a window has no room between its halos");
  const count = Math.ceil((length - 2 * halo) / (window - 2 * halo));
  const inner = Math.ceil((length - 2 * halo) / count);
  const size = inner + 2 * halo;
  return Array.from({ length: count }, (_, i) => {
    const start = Math.min(i * inner, length - size);
    return {
      start,
      stop: start + size,
      coreStart: i ? i * inner + halo : 0,
      coreStop: i < count - 1 ? (i + 1) * inner + halo : length,
    };
  });
}

/** How long `count` windows must be to hold `length` between them. */
function side(length: number, count: number, halo: number): number {
  return Math.min(length, Math.ceil((length - 2 * halo) / count) + 2 * halo);
}

/** Rows and columns of the windows: the least overlap with few enough pixels in each. */
export function windowShape(
  width: number,
  height: number,
  card: { halo: number; parameters: number },
  areaPx = WINDOW_PX,
): { rows: number; columns: number } {
  const { halo } = card;
  const area = Math.min(areaPx, WINDOW_WORK / Math.max(1, card.parameters));
  // Below this the halo costs more than the core.
  const least = 2 * halo + Math.max(16, halo);
  let best = { cost: Infinity, rows: height, columns: width };
  for (let count = 1; count < Math.max(2, Math.floor(width / least) + 1); count += 1) {
    const columns = side(width, count, halo);
    const most = Math.min(height, Math.max(least, Math.floor(area / columns)));
    const rows = side(height, spans(height, most, halo).length, halo);
    const windows = spans(height, rows, halo).length * spans(width, columns, halo).length;
    const over = Math.max(1, (rows * columns) / area) ** 2;
    const cost = (over * windows * rows * columns) / (width * height);
    if (cost < best.cost - 1e-9) best = { cost, rows, columns };
  }
  return best;
}
