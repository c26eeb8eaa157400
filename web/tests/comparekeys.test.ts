import { describe, expect, it, vi } from "vitest";

import { useCompareKeys } from "@/lib/comparekeys";

function make() {
  const actions = {
    moveLine: vi.fn(),
    pan: vi.fn(),
    zoom: vi.fn(),
    zoomTo: vi.fn(),
    mode: vi.fn(),
    nextMethod: vi.fn(),
    space: vi.fn(),
    step: vi.fn(),
    help: vi.fn(),
  };
  const listen = useCompareKeys(actions);
  const press = (init: KeyboardEventInit, target: Element = document.body) => {
    const event = new KeyboardEvent("keydown", { ...init, cancelable: true, bubbles: true });
    target.addEventListener("keydown", listen as EventListener, { once: true });
    target.dispatchEvent(event);
    return event;
  };
  return { actions, press };
}

describe("keys of the compare page", () => {
  it("moves the line, or with shift the picture", () => {
    const { actions, press } = make();
    expect(press({ key: "ArrowLeft" }).defaultPrevented).toBe(true);
    expect(actions.moveLine).toHaveBeenCalledWith(-0.02);
    press({ key: "ArrowLeft", shiftKey: true });
    expect(actions.pan).toHaveBeenCalledWith(60, 0);
  });

  it("zooms and switches views", () => {
    const { actions, press } = make();
    for (const key of ["8", "0", "S", "d", "."]) press({ key });
    expect(actions.zoomTo.mock.calls).toEqual([[8], [null]]);
    expect(actions.mode.mock.calls).toEqual([["slider"], ["beside"]]);
    expect(actions.step).toHaveBeenCalledWith(1);
  });

  it("leaves fields, buttons and the browser's own keys alone", () => {
    const { actions, press } = make();
    expect(press({ key: "s" }, document.createElement("input")).defaultPrevented).toBe(false);
    expect(press({ key: " " }, document.createElement("button")).defaultPrevented).toBe(false);
    expect(press({ key: "s", ctrlKey: true }).defaultPrevented).toBe(false);
    expect(actions.mode).not.toHaveBeenCalled();
    expect(actions.space).not.toHaveBeenCalled();
  });
});
