/** Picture to picture: hidden colour filled in, windows through the network, the size asked for. */

import { filled } from "./fill";
import type { Network } from "./network";
import { Painter, seen } from "./paint";
import { blank, type Picture } from "./picture";
import { resized } from "./resize";
import { spans, windowShape } from "./tiling";

/** Bicubic looks two pixels far; alpha and colour beside luma are enlarged with it. */
const BICUBIC_HALO = 2;

/** Results of more would not fit into a tab's memory. */
export const MAX_RESULT_PX = 100e6;

/**
 * The enhanced picture.
 *
 * @param scale How many times as long its sides become; the network's own scale, or less.
 * @param tell Called with the share that is done.
 * @param areaPx The most pixels of a window; see `windowShape`.
 */
export async function enhance(
  source: Picture,
  network: Network,
  scale: number,
  tell: (share: number) => void = () => undefined,
  areaPx?: number,
): Promise<Picture> {
  const { card } = network;
  const { width, height } = source;
  if (width * height * card.scale ** 2 > MAX_RESULT_PX) {
    throw new Error("The result would have more than 100 megapixels; choose a smaller size.");
  }
  const halo = Math.max(card.halo, BICUBIC_HALO);
  const plain = filled(source, halo + 4);
  const result = blank(source, width * card.scale, height * card.scale);
  const painter = new Painter(plain, result, card);
  const shape = windowShape(width, height, { ...card, halo }, areaPx);
  const down = spans(height, shape.rows, halo);
  const across = spans(width, shape.columns, halo);
  const windows = down.flatMap((row) => across.map((column) => ({ row, column })));
  let next = 0;
  let done = 0;
  const lane = async () => {
    for (let window = windows[next]; window; window = windows[next]) {
      next += 1;
      const { row, column } = window;
      const rows = row.stop - row.start;
      const columns = column.stop - column.start;
      const residual = await network.answer(seen(plain, card, row, column), rows, columns);
      painter.paint(residual, row, column);
      done += 1;
      tell(done / windows.length);
    }
  };
  await Promise.all(Array.from({ length: network.lanes }, lane));
  return resized(result, width * scale, height * scale);
}
