/** Numbers as people read them. */

const SIZES = ["B", "kB", "MB", "GB", "TB"];

/** Decimal units, as file managers show them: 1536 -> "1.5 kB". */
export function bytes(count: number): string {
  let value = count;
  let unit = 0;
  while (value >= 999.5 && unit < SIZES.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit > 0 && value < 9.95 ? value.toFixed(1) : Math.round(value).toString()} ${SIZES[unit] ?? ""}`;
}

/** A length of time in its two largest units: 3725 -> "1 h 2 min", 0.48 -> "0.5 s". */
export function duration(seconds: number): string {
  if (seconds < 9.95) return `${Number(Math.max(0, seconds).toFixed(1)).toString()} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole.toString()} s`;
  if (whole < 3600) return `${Math.floor(whole / 60).toString()} min ${(whole % 60).toString()} s`;
  const hours = Math.floor(whole / 3600);
  if (hours < 48) return `${hours.toString()} h ${Math.floor((whole % 3600) / 60).toString()} min`;
  return `${Math.floor(hours / 24).toString()} d ${(hours % 24).toString()} h`;
}

/** About how long something will take, no more precise than is known: 124 -> "2 min". */
export function roughly(seconds: number): string {
  if (seconds < 59.5) return duration(Math.max(0.1, seconds));
  const minutes = Math.round(seconds / 60);
  return minutes < 90 ? `${minutes.toString()} min` : `${Math.round(seconds / 3600).toString()} h`;
}

/** How much longer something takes, rounded since it is an estimate: "about 3 min left". */
export function timeLeft(seconds: number): string {
  if (seconds < 5) return "a few seconds left";
  if (seconds < 55) return `about ${(Math.ceil(seconds / 5) * 5).toString()} s left`;
  if (seconds < 5400) return `about ${Math.max(1, Math.round(seconds / 60)).toString()} min left`;
  return `about ${Math.round(seconds / 3600).toString()} h left`;
}

/** "1920 × 1080", or "" where a side is not known. */
export function dimensions(width?: number | null, height?: number | null): string {
  return width && height ? `${width.toString()} × ${height.toString()}` : "";
}

/** A share of a whole in whole percent, never 100 before it is done. */
export function percent(done: number, total: number): number {
  if (total <= 0) return 0;
  return done >= total ? 100 : Math.min(99, Math.floor((100 * done) / total));
}

/** Seconds into a video as a clock with hundredths: 75.5 -> "1:15.50". */
export function clock(seconds: number): string {
  const whole = Math.floor(seconds);
  const hundredths = Math.floor((seconds - whole) * 100 + 1e-6);
  const two = (value: number) => value.toString().padStart(2, "0");
  return `${Math.floor(whole / 60).toString()}:${two(whole % 60)}.${two(hundredths)}`;
}

export function plural(count: number, one: string, many = `${one}s`): string {
  return `${count.toLocaleString("en")} ${count === 1 ? one : many}`;
}

/** "not a picture" -> "Not a picture". */
export function capitalized(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** 58212 -> "58 k", 1110403 -> "1.1 M". */
export function compact(count: number): string {
  if (count < 1000) return count.toString();
  if (count < 1e6) return `${(count / 1e3).toFixed(count < 1e4 ? 1 : 0)} k`;
  return `${(count / 1e6).toFixed(count < 1e7 ? 1 : 0)} M`;
}

/** When something was, in short: the time if it was today, otherwise the date. */
export function moment(iso: string, now: Date = new Date()): string {
  const then = new Date(iso);
  if (Number.isNaN(then.getTime())) return "";
  const today = then.toDateString() === now.toDateString();
  return today
    ? then.toLocaleTimeString(undefined, { hour: "2-digit", minute: "2-digit" })
    : then.toLocaleDateString(undefined, { day: "numeric", month: "short", year: "numeric" });
}

/** How fast work goes, in the unit that the server counts in. */
export function rate(perSecond: number, unit: string): string {
  switch (unit) {
    case "px":
      return `${(perSecond / 1e6).toFixed(perSecond < 1e7 ? 1 : 0)} MP/s`;
    case "bytes":
      return `${bytes(perSecond)}/s`;
    default:
      return `${perSecond < 10 ? perSecond.toFixed(1) : Math.round(perSecond).toString()} ${unit}/s`;
  }
}

/** 1 -> "1st", 22 -> "22nd". */
export function ordinal(value: number): string {
  const ending = { one: "st", two: "nd", few: "rd", other: "th", zero: "th", many: "th" };
  return value.toString() + ending[new Intl.PluralRules("en", { type: "ordinal" }).select(value)];
}

/** "a, b or c". */
export function listed(words: string[]): string {
  return new Intl.ListFormat("en", { type: "disjunction" }).format(words);
}
