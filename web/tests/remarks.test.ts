import { describe, expect, it } from "vitest";

import { remarks } from "@/lib/remarks";

const size = (width: number, height: number) => ({ width, height });
const whole = (width: number, height: number) => ({
  full: size(width, height),
  shown: size(width, height),
});

describe("remarks", () => {
  it("says nothing where every pixel is shown as chosen", () => {
    expect(remarks(whole(400, 300), whole(800, 600), false)).toEqual([]);
  });

  it("says nothing before anything is shown", () => {
    const unknown = { full: size(800, 600), shown: null };
    expect(remarks(unknown, unknown, false)).toEqual([]);
  });

  it("says when the browser enlarges", () => {
    expect(remarks(whole(4000, 3000), whole(8000, 6000), true)).toEqual([
      "The browser enlarges Before, close to bilinear: it is too large for the chosen method, or animated.",
    ]);
  });

  it("says when fewer pixels are shown than there are", () => {
    const before = { full: size(9000, 8000), shown: size(4500, 4000) };
    const after = { full: size(3840, 2160), shown: size(1920, 1080) };
    expect(remarks(before, after, false)).toEqual([
      "Before is shown with 4500 × 4000 of its 9000 × 8000 pixels.",
      "After is shown with 1920 × 1080 of its 3840 × 2160 pixels; the download has all.",
    ]);
  });

  it("takes odd sides and oblong pixels for whole", () => {
    const odd = { full: size(639, 359), shown: size(638, 358) };
    const oblong = { full: size(1440, 1080), shown: size(1920, 1080) };
    expect(remarks(odd, oblong, false)).toEqual([]);
  });
});
