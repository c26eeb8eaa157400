import { describe, expect, it } from "vitest";

import { VIDEO_SUFFIXES } from "@/api/formats";
import { kindOf } from "@/lib/files";

describe("the first guess at a file's kind", () => {
  it("goes by the media type where the browser knows one", () => {
    expect(kindOf({ name: "a.bin", type: "video/mp4" })).toBe("video");
    expect(kindOf({ name: "a.mp4", type: "image/png" })).toBe("image");
  });

  it("knows every video that the server reads by its name", () => {
    for (const suffix of VIDEO_SUFFIXES)
      expect(kindOf({ name: `a${suffix}`, type: "" })).toBe("video");
    expect(kindOf({ name: "DVD.VOB", type: "" })).toBe("video");
    expect(kindOf({ name: "camera.mxf", type: "" })).toBe("video");
    expect(kindOf({ name: "old.wmv", type: "" })).toBe("video");
    expect(kindOf({ name: "photo.nef", type: "" })).toBe("image");
    expect(kindOf({ name: "mkv", type: "" })).toBe("image");
  });
});
