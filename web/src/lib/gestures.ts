import { onScopeDispose, watch, type Ref } from "vue";

import type { Point } from "@/lib/viewport";

export interface GestureHandlers {
  /** A finger or the mouse goes down; the return value says what moving it does. */
  begin: (at: Point) => "split" | "pan";
  split: (at: Point) => void;
  pan: (dx: number, dy: number) => void;
  zoom: (by: number, at: Point) => void;
  doubled: (at: Point) => void;
}

const DOUBLE_TAP_MS = 300;
const DOUBLE_TAP_PX = 24;

/** Mouse, wheel, finger and two fingers on an element, all as pan, zoom and moving a line. */
export function useGestures(element: Ref<HTMLElement | null>, handlers: GestureHandlers): void {
  const pointers = new Map<number, Point>();
  let meaning: "split" | "pan" = "pan";
  let lastTap = { time: 0, at: { x: 0, y: 0 } };

  const listening = new AbortController();

  function listen(stage: HTMLElement): void {
    const { signal } = listening;
    // Not by an event's target: it is the stage while the stage captures the pointer.
    const paneUnder = ({ x, y }: Point): DOMRect => {
      const boxes = [...stage.querySelectorAll("[data-pane]")].map((pane) =>
        pane.getBoundingClientRect(),
      );
      const holds = (box: DOMRect) =>
        x >= box.left && x <= box.right && y >= box.top && y <= box.bottom;
      return boxes.find(holds) ?? stage.getBoundingClientRect();
    };
    const within = ({ x, y }: Point, box: DOMRect) => ({ x: x - box.left, y: y - box.top });
    /** Beside one another, each pane has the same view: what counts is where in its pane. */
    const at = (event: MouseEvent) => {
      const point = { x: event.clientX, y: event.clientY };
      return within(point, paneUnder(point));
    };
    /** Where two fingers began, so that they do not change panes halfway. */
    let pinched = stage.getBoundingClientRect();

    stage.addEventListener(
      "pointerdown",
      (event) => {
        if (event.button !== 0) return;
        stage.setPointerCapture(event.pointerId);
        pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
        if (pointers.size === 1) {
          pinched = paneUnder({ x: event.clientX, y: event.clientY });
          meaning = handlers.begin(at(event));
          // A finger may be the first of two: it moves the line only once it moves itself.
          if (meaning === "split" && event.pointerType !== "touch") handlers.split(at(event));
        }
      },
      { signal },
    );
    stage.addEventListener(
      "pointermove",
      (event) => {
        const before = pointers.get(event.pointerId);
        if (!before) return;
        const now = { x: event.clientX, y: event.clientY };
        pointers.set(event.pointerId, now);
        const others = [...pointers].filter(([id]) => id !== event.pointerId);
        const other = others[0]?.[1];
        if (other) {
          const middle = { x: (now.x + other.x) / 2, y: (now.y + other.y) / 2 };
          const spread = (a: Point) => Math.hypot(a.x - other.x, a.y - other.y);
          handlers.pan((now.x - before.x) / 2, (now.y - before.y) / 2);
          handlers.zoom(spread(now) / Math.max(1, spread(before)), within(middle, pinched));
        } else if (meaning === "split") handlers.split(within(now, stage.getBoundingClientRect()));
        else handlers.pan(now.x - before.x, now.y - before.y);
      },
      { signal },
    );
    const up = (event: PointerEvent) => {
      pointers.delete(event.pointerId);
      if (event.type !== "pointerup" || event.pointerType !== "touch" || pointers.size > 0) return;
      const now = { time: event.timeStamp, at: { x: event.clientX, y: event.clientY } };
      const near =
        Math.hypot(now.at.x - lastTap.at.x, now.at.y - lastTap.at.y) < DOUBLE_TAP_PX &&
        now.time - lastTap.time < DOUBLE_TAP_MS;
      if (near) handlers.doubled(at(event));
      lastTap = near ? { time: 0, at: now.at } : now;
    };
    stage.addEventListener("pointerup", up, { signal });
    stage.addEventListener("pointercancel", up, { signal });
    stage.addEventListener(
      "dblclick",
      (event) => {
        handlers.doubled(at(event));
      },
      { signal },
    );
    stage.addEventListener(
      "wheel",
      (event) => {
        event.preventDefault();
        const lines = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : 1;
        handlers.zoom(Math.exp((-event.deltaY * lines) / 400), at(event));
      },
      { signal, passive: false },
    );
  }

  watch(
    element,
    (stage) => {
      if (stage) listen(stage);
    },
    { immediate: true },
  );
  onScopeDispose(() => {
    listening.abort();
  });
}
