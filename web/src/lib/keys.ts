/** Keyboard shortcuts, for the help dialog. */
export interface KeyRow {
  keys: readonly string[];
  does: string;
}

const COMPARE: readonly KeyRow[] = [
  { keys: ["←", "→"], does: "Move the line" },
  { keys: ["Shift", "←↑↓→"], does: "Move the picture" },
  { keys: ["+", "−"], does: "Zoom in and out" },
  { keys: ["0"], does: "Fit the whole picture" },
  { keys: ["1", "2", "4", "8"], does: "100, 200, 400, 800 percent" },
  { keys: ["S"], does: "Slider" },
  { keys: ["D"], does: "Side by side" },
  { keys: ["F"], does: "Flicker" },
  { keys: ["I"], does: "Another interpolation" },
];
const VIDEO: readonly KeyRow[] = [
  { keys: ["Space"], does: "Play and pause" },
  { keys: [",", "."], does: "One frame back or forward" },
];
const PICTURE: readonly KeyRow[] = [
  { keys: ["Space"], does: "Alternate before and after, in flicker" },
];

export const compareKeys = (video: boolean): readonly KeyRow[] => [
  ...COMPARE,
  ...(video ? VIDEO : PICTURE),
];

export const ENHANCE_KEYS: readonly KeyRow[] = [
  { keys: ["O"], does: "Choose files" },
  { keys: ["Ctrl", "V"], does: "Paste a picture" },
  { keys: ["Ctrl", "Enter"], does: "Enhance what is chosen" },
  { keys: ["←", "→"], does: "On the line: move it" },
  { keys: ["↑", "↓"], does: "On the line: move the piece" },
  { keys: ["?"], does: "Show this" },
];
