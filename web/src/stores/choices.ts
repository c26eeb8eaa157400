import { defineStore } from "pinia";
import { computed, ref, watch } from "vue";

import type { JobOptions, Kind, Settings, Task } from "@/api/types";
import { DIALS, offeredOf, VIVID, type Dial } from "@/lib/dials";
import { dimensions } from "@/lib/format";
import { furtherOptions, optionProblem, picksOf, valueOf, type Value } from "@/lib/options";
import { pixels, sideProblem } from "@/lib/sides";
import { choiceOf, tasksIn } from "@/lib/tasks";
import { useServer } from "@/stores/server";

export type Enlarge = "keep" | "exact" | number;
/** What can be requested besides a larger size. */
export type Touch = Exclude<Task, "upscale">;

/**
 * How pictures are repaired: automatic goes by what is found in each, with steps the user says what
 * to do, and as-is is not at all.
 */
export type Care = "automatic" | "steps" | "as-is";

export interface Choices {
  enlarge: Enlarge;
  care: Care;
  /** As typed, so that invalid text stays there to be corrected. */
  size: { width: string; height: string };
  /** What is done with steps. */
  touches: Touch[];
  strength: number;
  /** How much is repaired, where the user chose; the rest is as measured. */
  dials: Partial<Record<Dial, number>>;
  /** From faithful to vivid; null for the server's default. */
  vivid: number | null;
  /** A model by name if the user named one; otherwise the server picks. */
  models: Partial<Record<Task, string>>;
  /** Formats of the results; null for that of the source. */
  formats: { image: string | null; video: string | null };
  quality: number | null;
  /** All other options, by name. */
  further: Record<string, Value>;
}

const KEY = "crispen.choices";

export const DEFAULTS: Choices = {
  enlarge: 2,
  care: "automatic",
  size: { width: "", height: "" },
  touches: [],
  strength: 1,
  dials: {},
  vivid: null,
  models: {},
  formats: { image: null, video: null },
  quality: null,
  further: {},
};

function recalled(): Choices {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(KEY) ?? "{}");
    return { ...structuredClone(DEFAULTS), ...(kept as Partial<Choices>) };
  } catch {
    return structuredClone(DEFAULTS);
  }
}

/** In the order in which they are done, if the server has sent it. */
export function tasksOf(choices: Choices, settings: Settings | null): Task[] {
  const wanted: Task[] = choices.care === "steps" ? [...choices.touches] : [];
  if (choices.enlarge !== "keep") wanted.push("upscale");
  const order = tasksIn(settings).map(({ task }) => task);
  return wanted.sort((a, b) => order.indexOf(a) - order.indexOf(b));
}

/** Whether the server examines each picture and chooses what to do. */
export const chooses = (choices: Choices): boolean =>
  choices.care === "automatic" && !(choices.enlarge !== "keep" && choices.models.upscale);

/** Why these choices cannot be carried out, in words that say what to do; "" if they can. */
export function problemOf(
  choices: Choices,
  maxSidePx: number,
  settings: Settings | null = null,
): string {
  const nothing = tasksOf(choices, settings).length === 0 && !chooses(choices);
  if (nothing) return "Choose at least one thing to do.";
  for (const option of furtherOptions(settings, ["image", "video"])) {
    const problem = optionProblem(option, choices.further[option.name] ?? null);
    if (problem) return `Correct the ${option.label}.`;
  }
  if (choices.enlarge !== "exact") return "";
  const { width, height } = choices.size;
  if (sideProblem(width, maxSidePx)) return "Correct the width.";
  if (sideProblem(height, maxSidePx)) return "Correct the height.";
  return (width + height).trim() === "" ? "Enter a width, a height or both." : "";
}

/** Whether files of these kinds can be repaired by what is found in them, or left as they are. */
export const offersCare = (settings: Settings | null, kinds: readonly Kind[]): boolean =>
  settings?.options.some(
    ({ name, kinds: its }) => name === "as_is" && its.some((kind) => kinds.includes(kind)),
  ) ?? false;

function dialsOf(choices: Choices, kind: Kind, settings: Settings | null) {
  const dials = Object.fromEntries(
    offeredOf(DIALS, settings, [kind]).map(({ name }) => [name, choices.dials[name]]),
  );
  const vivid = offeredOf([VIVID], settings, [kind]).map(({ name }) => [name, choices.vivid]);
  return Object.fromEntries(
    [...Object.entries(dials), ...vivid].filter(([, value]) => value != null),
  ) as Partial<JobOptions>;
}

/** The options to send to the API. */
export function optionsOf(
  choices: Choices,
  kind: Kind,
  settings: Settings | null,
): Partial<JobOptions> {
  const offered = (task: Task) => choiceOf(task, settings);
  // What was chosen on an earlier visit may need a model that is gone.
  const tasks = tasksOf(choices, settings).filter((task) => offered(task)?.available ?? true);
  const options: Partial<JobOptions> = {};
  if (choices.enlarge === "exact") {
    const [width, height] = [pixels(choices.size.width), pixels(choices.size.height)];
    if (width) options.width = width;
    if (height) options.height = height;
    // Both sides are a box to fit into, so that no picture is squeezed.
    if (width && height) options.fit = true;
  } else {
    const scale = choices.enlarge === "keep" ? 1 : choices.enlarge;
    if (scale !== 1 || chooses(choices)) options.scale = scale;
  }
  if (tasks.some((task) => choices.models[task])) {
    // The API takes either tasks or models; the others are then named as the server would.
    options.models = tasks
      .map((task) => choices.models[task] ?? offered(task)?.[`${kind}_model`])
      .filter((name) => typeof name === "string");
  } else if (chooses(choices)) {
    Object.assign(options, dialsOf(choices, kind, settings));
  } else if (choices.care === "steps") {
    options.tasks = tasks;
  } else if (offersCare(settings, [kind])) {
    options.as_is = true;
  }
  if (tasks.some((task) => offered(task)?.strength)) options.strength = choices.strength;
  const format = settings?.formats.find(
    (choice) => choice.kind === kind && choice.format === choices.formats[kind],
  );
  if (format) options.format = format.format as JobOptions["format"];
  if (choices.quality !== null && format?.quality !== false) options.quality = choices.quality;
  for (const option of furtherOptions(settings, [kind])) {
    const value = valueOf(option, choices.further[option.name]);
    const picks = picksOf(option, format?.format ?? null, settings);
    // What only another container can hold is left to the server.
    if (value === undefined || (picks.length > 0 && !picks.includes(String(value)))) continue;
    Object.assign(options, { [option.name]: value });
  }
  return options;
}

/**
 * The choices that repeat an earlier request, as far as they can express it.
 *
 * @param source - The media type of what it was for: animated pictures can become videos, and
 * videos animated pictures.
 */
export function choicesOf(
  options: Partial<JobOptions>,
  settings: Settings | null,
  source: string,
): Choices {
  const { scale, width, height, tasks, models, as_is: asIs } = options;
  const choices = structuredClone(DEFAULTS);
  const text = (value?: number | null) => value?.toString() ?? "";
  if (width || height) {
    choices.enlarge = "exact";
    choices.size = { width: text(width), height: text(height) };
  } else if (scale === 1 || (tasks?.length && !tasks.includes("upscale"))) {
    choices.enlarge = "keep";
  } else if (scale) {
    choices.enlarge = scale;
  }
  const touches = tasks?.filter((task) => task !== "upscale") ?? [];
  if (asIs) choices.care = "as-is";
  else if (touches.length > 0) Object.assign(choices, { care: "steps", touches });
  for (const name of models ?? []) {
    const task = tasksIn(settings).find((choice) => choice.models.includes(name))?.task;
    if (task) choices.models[task] = name;
    if (task && task !== "upscale") {
      Object.assign(choices, { care: "steps", touches: [...choices.touches, task] });
    }
  }
  choices.strength = options.strength ?? DEFAULTS.strength;
  choices.quality = options.quality ?? null;
  for (const name of DIALS) {
    const value = options[name];
    if (value != null) choices.dials[name] = value;
  }
  const given = options as Record<string, unknown>;
  if (typeof given[VIVID] === "number") choices.vivid = given[VIVID];
  const kind = source.startsWith("video/") ? "video" : "image";
  if (options.format) choices.formats[kind] = options.format;
  for (const { name } of furtherOptions(settings, ["image", "video"])) {
    const value = given[name];
    if (value != null && value !== false) choices.further[name] = value as Value;
  }
  return choices;
}

/** In a few words, for the list of files: "×2 · less noise". */
export function describe(options: Partial<JobOptions>, settings: Settings | null): string {
  const words = (options.tasks ?? [])
    .map((task) => choiceOf(task, settings)?.result ?? "")
    .filter((result) => result !== "");
  if (options.scale && options.scale !== 1) words.unshift(`×${options.scale.toString()}`);
  if (options.width && options.height) words.unshift(dimensions(options.width, options.height));
  else if (options.width) words.unshift(`${options.width.toString()} px wide`);
  else if (options.height) words.unshift(`${options.height.toString()} px high`);
  if (options.as_is) words.push("as it is");
  if (options.scale === 1 && words.length === 0) words.push("same size");
  const given = options as Record<string, unknown>;
  for (const { name, label } of offeredOf([...DIALS, VIVID], settings, ["image", "video"])) {
    const value = given[name];
    if (typeof value !== "number") continue;
    words.push(`${label.toLowerCase()} ${Math.round(100 * value).toString()} %`);
  }
  if (options.models?.length) words.push(options.models.join(" + "));
  return words.join(" · ");
}

/** The choices themselves in a few words: "×2 · repaired automatically". */
export function inWords(choices: Choices, settings: Settings | null): string {
  const said = describe(optionsOf(choices, "image", settings), settings);
  const moved = Object.keys(choices.dials).length > 0;
  return chooses(choices) && !moved ? `${said} · repaired automatically` : said;
}

/** The user's last choices; kept for the next visit. */
export const useChoices = defineStore("choices", () => {
  const server = useServer();
  const choices = ref<Choices>(recalled());
  const maxSidePx = computed(() => server.settings?.limits.max_side_px ?? Infinity);
  const problem = computed(() => problemOf(choices.value, maxSidePx.value, server.settings));

  watch(
    choices,
    (now) => {
      localStorage.setItem(KEY, JSON.stringify(now));
    },
    { deep: true },
  );

  return { choices, maxSidePx, problem };
});
