import type { Mode } from "@/components/compare/CompareStage.vue";

export interface CompareActions {
  moveLine: (by: number) => void;
  pan: (dx: number, dy: number) => void;
  zoom: (by: number) => void;
  zoomTo: (zoom: number | null) => void;
  mode: (to: Mode) => void;
  nextMethod: () => void;
  space: () => void;
  step: (frames: number) => void;
  help: () => void;
}

const PAN_PX = 60;
const LINE_STEP = 0.02;
/** Elements that handle keys themselves. */
const OWN_KEYS =
  "input, textarea, select, [role=combobox], [role=listbox], [role=dialog], .v-slider";

/** One listener for all keys of the compare page. */
export function useCompareKeys(actions: CompareActions): (event: KeyboardEvent) => void {
  const plain: Record<string, () => void> = {
    ArrowLeft: () => {
      actions.moveLine(-LINE_STEP);
    },
    ArrowRight: () => {
      actions.moveLine(LINE_STEP);
    },
    ArrowUp: () => {
      actions.pan(0, PAN_PX);
    },
    ArrowDown: () => {
      actions.pan(0, -PAN_PX);
    },
    Home: () => {
      actions.moveLine(-1);
    },
    End: () => {
      actions.moveLine(1);
    },
    "+": () => {
      actions.zoom(1.5);
    },
    "=": () => {
      actions.zoom(1.5);
    },
    "-": () => {
      actions.zoom(1 / 1.5);
    },
    "0": () => {
      actions.zoomTo(null);
    },
    s: () => {
      actions.mode("slider");
    },
    d: () => {
      actions.mode("beside");
    },
    f: () => {
      actions.mode("flicker");
    },
    i: actions.nextMethod,
    ",": () => {
      actions.step(-1);
    },
    ".": () => {
      actions.step(1);
    },
    " ": actions.space,
    "?": actions.help,
  };
  for (const zoom of [1, 2, 4, 8]) {
    plain[zoom.toString()] = () => {
      actions.zoomTo(zoom);
    };
  }
  const shifted: Record<string, () => void> = {
    ArrowLeft: () => {
      actions.pan(PAN_PX, 0);
    },
    ArrowRight: () => {
      actions.pan(-PAN_PX, 0);
    },
    ArrowUp: () => {
      actions.pan(0, PAN_PX);
    },
    ArrowDown: () => {
      actions.pan(0, -PAN_PX);
    },
  };

  return (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    const target = event.target instanceof Element ? event.target : null;
    if (target?.closest(OWN_KEYS)) return;
    // The space bar presses a focused button.
    if (event.key === " " && target?.closest("button, a")) return;
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    const act = (event.shiftKey ? shifted[key] : undefined) ?? plain[key];
    if (!act) return;
    event.preventDefault();
    act();
  };
}
