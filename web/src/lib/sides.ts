/** Widths and heights as people type them. */

// Any one mark may separate thousands, if it is at every thousand.
const WHOLE = /^(?:\d+|\d{1,3}(?:([.,'’\s])\d{3}(?:\1\d{3})*))$/;

/** "1920", "1,920" or "1 920 px" as a number; null if the meaning is unclear. */
export function pixels(text: string): number | null {
  const plain = text.trim().replace(/\s*px$/i, "");
  const value = WHOLE.test(plain) ? Number(plain.replace(/\D/g, "")) : 0;
  return value > 0 ? value : null;
}

/** What is wrong with a side that was typed, in words that say what to do; "" if nothing is. */
export function sideProblem(text: string, most: number): string {
  if (text.trim() === "") return "";
  const value = pixels(text);
  if (value === null) return "Enter whole pixels, such as 1920.";
  return value > most ? `Enter at most ${most.toLocaleString("en")} pixels.` : "";
}
