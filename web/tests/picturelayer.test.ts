import { mount } from "@vue/test-utils";
import { beforeEach, describe, expect, it, vi } from "vitest";

import PictureLayer from "@/components/compare/PictureLayer.vue";
import { enlarge } from "@/lib/enlarge";
import type { Method } from "@/lib/resample";

vi.mock("@/lib/enlarge", () => ({
  MAX_ENLARGED_PX: 100,
  enlarge: vi.fn(() => Promise.reject(new Error("no worker"))),
}));

const show = (side: number, method: Method | null, moving = false) =>
  mount(PictureLayer, {
    props: {
      source: "/before",
      alt: "before",
      size: { width: side, height: side },
      method,
      crisp: true,
      moving,
    },
  });

describe("a picture that is enlarged for comparing", () => {
  beforeEach(() => {
    vi.clearAllMocks();
  });

  it.each([
    [11, "bicubic", true],
    [11, "bilinear", true],
    [11, "nearest", false],
    [11, null, false],
    [10, "bicubic", false],
  ] as const)("of side %d by %s: the browser stands in, %s", (side, method, told) => {
    expect(show(side, method).emitted("standIn")).toEqual([[told]]);
  });

  it("lets an animation play", () => {
    expect(show(10, "bicubic", true).emitted("standIn")).toEqual([[true]]);
    expect(enlarge).not.toHaveBeenCalled();
  });

  it("says so when enlarging fails", async () => {
    const layer = show(10, "bicubic");
    await vi.waitFor(() => {
      expect(layer.emitted("standIn")).toEqual([[false], [true]]);
    });
    expect(enlarge).toHaveBeenCalledWith("/before", 10, 10, "bicubic", expect.anything());
  });
});
