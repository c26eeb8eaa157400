import { describe, expect, it } from "vitest";

import { fitFactor, MAX_ZOOM, panBy, place, zoomAt, type View } from "@/lib/viewport";

const PICTURE = { width: 1000, height: 500 };
const BOX = { width: 500, height: 500 };
const FITTED: View = { zoom: null, centre: { x: 500, y: 250 } };

/** Which pixel of the picture is under a point of the box. */
function under(view: View, at: { x: number; y: number }) {
  const { factor, x, y } = place(view, PICTURE, BOX);
  return { x: (at.x - x) / factor, y: (at.y - y) / factor };
}

describe("viewport", () => {
  it("fits the whole picture into the middle", () => {
    expect(place(FITTED, PICTURE, BOX)).toEqual({ factor: 0.5, x: 0, y: 125 });
  });

  it("does not enlarge a small picture beyond the limit", () => {
    expect(fitFactor({ width: 2, height: 2 }, BOX)).toBe(MAX_ZOOM);
  });

  it("has an answer before anything is measured", () => {
    expect(fitFactor(PICTURE, { width: 0, height: 0 })).toBe(1);
  });

  it("keeps the pixel under the pointer where it is", () => {
    const zoomed = { zoom: 2, centre: { x: 500, y: 250 } };
    const at = { x: 130, y: 320 };
    const closer = zoomAt(zoomed, 1.5, at, PICTURE, BOX);
    expect(closer.zoom).toBe(3);
    expect(under(closer, at).x).toBeCloseTo(under(zoomed, at).x);
    expect(under(closer, at).y).toBeCloseTo(under(zoomed, at).y);
  });

  it("ends at 800 percent, and at the whole picture", () => {
    expect(zoomAt(FITTED, 1000, { x: 0, y: 0 }, PICTURE, BOX).zoom).toBe(8);
    expect(zoomAt({ zoom: 2, centre: { x: 9, y: 9 } }, 0.01, { x: 0, y: 0 }, PICTURE, BOX)).toEqual(
      FITTED,
    );
  });

  it("never enlarges when zooming out", () => {
    const small = { width: 200, height: 100 };
    const out = (zoom: number | null) =>
      zoomAt({ zoom, centre: { x: 100, y: 50 } }, 1 / 1.5, { x: 250, y: 250 }, small, BOX).zoom;
    expect(fitFactor(small, BOX)).toBe(2.5);
    expect(out(1)).toBe(1);
    expect(out(1.2)).toBe(1);
    expect(out(null)).toBeCloseTo(2.5 / 1.5);
    expect(out(3)).toBeNull();
    // The window grew since.
    const less = { zoom: 0.3, centre: FITTED.centre };
    expect(zoomAt(less, 0.5, { x: 0, y: 0 }, PICTURE, BOX).zoom).toBe(0.3);
  });

  it("stops at the picture's edge, in one pan as in many", () => {
    const zoomed = { zoom: 1, centre: { x: 500, y: 250 } };
    const once = panBy(zoomed, 10_000, 0, PICTURE, BOX);
    expect(place(once, PICTURE, BOX).x).toBe(0);
    // What was pushed against the edge leaves it at once.
    expect(place(panBy(once, -10, 0, PICTURE, BOX), PICTURE, BOX).x).toBe(-10);
  });
});
