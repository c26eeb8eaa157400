/** Zoom and pan of a picture in a box. All functions are pure; a view is never changed in place. */

export interface Size {
  width: number;
  height: number;
}

export interface Point {
  x: number;
  y: number;
}

/** `zoom` is screen pixels per picture pixel, null to fit; `centre` is in picture pixels. */
export interface View {
  zoom: number | null;
  centre: Point;
}

export const MAX_ZOOM = 8;

/** Where the picture's corner is in the box, and its size as a factor. */
export interface Placement {
  factor: number;
  x: number;
  y: number;
}

const clamp = (value: number, low: number, high: number) => Math.min(Math.max(value, low), high);

/** Factor at which the whole picture shows; small pictures are enlarged to fill the box. */
export function fitFactor(picture: Size, box: Size): number {
  if (picture.width === 0 || picture.height === 0 || box.width === 0 || box.height === 0) return 1;
  return Math.min(box.width / picture.width, box.height / picture.height, MAX_ZOOM);
}

export function factorOf(view: View, picture: Size, box: Size): number {
  return view.zoom ?? fitFactor(picture, box);
}

/** The nearest centre at which no gap opens beside a picture larger than the box. */
export function clampCentre(centre: Point, factor: number, picture: Size, box: Size): Point {
  const along = (at: number, size: number, room: number) => {
    const half = room / factor / 2;
    return size <= 2 * half ? size / 2 : clamp(at, half, size - half);
  };
  return {
    x: along(centre.x, picture.width, box.width),
    y: along(centre.y, picture.height, box.height),
  };
}

export function place(view: View, picture: Size, box: Size): Placement {
  const factor = factorOf(view, picture, box);
  const centre = clampCentre(view.centre, factor, picture, box);
  return {
    factor,
    x: box.width / 2 - centre.x * factor,
    y: box.height / 2 - centre.y * factor,
  };
}

/** The view zoomed by a factor so that the point of the picture under `at` stays there. */
export function zoomAt(view: View, by: number, at: Point, picture: Size, box: Size): View {
  const before = place(view, picture, box);
  const fit = fitFactor(picture, box);
  // Zooming out stops at the whole picture; a small one continues to its own pixels, if it filled
  // the box before.
  const least = before.factor > fit ? fit : Math.min(before.factor, 1);
  const factor = clamp(before.factor * by, least, MAX_ZOOM);
  if (factor === fit && by < 1) {
    return { zoom: null, centre: { x: picture.width / 2, y: picture.height / 2 } };
  }
  const held = { x: (at.x - before.x) / before.factor, y: (at.y - before.y) / before.factor };
  const centre = {
    x: held.x + (box.width / 2 - at.x) / factor,
    y: held.y + (box.height / 2 - at.y) / factor,
  };
  return { zoom: factor, centre: clampCentre(centre, factor, picture, box) };
}

/** The view moved by screen pixels. */
export function panBy(view: View, dx: number, dy: number, picture: Size, box: Size): View {
  const factor = factorOf(view, picture, box);
  const held = clampCentre(view.centre, factor, picture, box);
  const centre = { x: held.x - dx / factor, y: held.y - dy / factor };
  return { ...view, centre: clampCentre(centre, factor, picture, box) };
}
