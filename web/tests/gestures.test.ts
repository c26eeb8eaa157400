import { effectScope, shallowRef } from "vue";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { useGestures } from "@/lib/gestures";

/** A stage of 400 × 200 with a pane on each half; the view is the same in both. */
function beside(): HTMLElement {
  const stage = document.createElement("div");
  const boxes = [new DOMRect(0, 0, 200, 200), new DOMRect(200, 0, 200, 200)];
  stage.getBoundingClientRect = () => new DOMRect(0, 0, 400, 200);
  stage.setPointerCapture = vi.fn();
  for (const box of boxes) {
    const pane = document.createElement("div");
    pane.dataset["pane"] = "";
    pane.getBoundingClientRect = () => box;
    stage.append(pane);
  }
  return stage;
}

describe("gestures beside one another", () => {
  const handlers = {
    begin: vi.fn(() => "pan" as const),
    split: vi.fn(),
    pan: vi.fn(),
    zoom: vi.fn(),
    doubled: vi.fn(),
  };
  const scope = effectScope();
  let stage: HTMLElement;
  // The stage has captured the pointer: every event comes from it.
  const touch = (type: string, pointerId: number, clientX: number, clientY = 100) =>
    stage.dispatchEvent(
      new PointerEvent(type, { pointerId, clientX, clientY, pointerType: "touch", button: 0 }),
    );

  beforeEach(() => {
    vi.clearAllMocks();
    stage = beside();
    scope.run(() => {
      useGestures(shallowRef(stage), handlers);
    });
  });
  afterEach(() => {
    for (const id of [1, 2]) touch("pointercancel", id, 0);
  });

  it("zooms by two fingers about their middle in the pane", () => {
    touch("pointerdown", 1, 280);
    touch("pointerdown", 2, 320);
    touch("pointermove", 2, 340);
    expect(handlers.zoom).toHaveBeenCalledWith(60 / 40, { x: 110, y: 100 });
  });

  it("takes a double tap in the pane", () => {
    for (const type of ["pointerdown", "pointerup", "pointerdown", "pointerup"]) {
      touch(type, 1, 250);
    }
    expect(handlers.doubled).toHaveBeenCalledExactlyOnceWith({ x: 50, y: 100 });
  });
});
