import { defineStore } from "pinia";
import { computed, ref, watch } from "vue";

import type { JobOptions, Kind, Settings, Task } from "@/api/types";
import { dimensions } from "@/lib/format";
import { furtherOptions, optionProblem, picksOf, valueOf, type Value } from "@/lib/options";
import { pixels, sideProblem } from "@/lib/sides";
import { choiceOf, tasksIn } from "@/lib/tasks";
import { useServer } from "@/stores/server";

export type Enlarge = "keep" | "exact" | number;
/** What can be asked for beside a larger size. */
export type Touch = Exclude<Task, "upscale">;

/** Whether the server may repair what is damaged as it enlarges, or only enlarges. */
export type Care = "automatic" | "as-is";

export interface Choices {
  enlarge: Enlarge;
  care: Care;
  /** As typed, so that what cannot be read stays there to be mended. */
  size: { width: string; height: string };
  touches: Touch[];
  strength: number;
  /** A model by name where a person named one; otherwise the server picks. */
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

/** In the order in which they are done, as far as the server has told it. */
export function tasksOf(choices: Choices, settings: Settings | null): Task[] {
  const wanted: Task[] = [...choices.touches];
  if (choices.enlarge !== "keep") wanted.push("upscale");
  const order = tasksIn(settings).map(({ task }) => task);
  return wanted.sort((a, b) => order.indexOf(a) - order.indexOf(b));
}

/** Whether the server looks at each file and chooses for itself, since nothing but size is said. */
export const chooses = (choices: Choices): boolean =>
  choices.enlarge !== "keep" && choices.touches.length === 0 && !choices.models.upscale;

/** Why these choices cannot be carried out, in words that say what to do; "" if they can. */
export function problemOf(
  choices: Choices,
  maxSidePx: number,
  settings: Settings | null = null,
): string {
  if (tasksOf(choices, settings).length === 0) return "Choose at least one thing to do.";
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

/** Whether files of these kinds can be repaired as they are enlarged, and that be left out. */
export const offersCare = (settings: Settings | null, kinds: readonly Kind[]): boolean =>
  settings?.options.some(
    ({ name, kinds: its }) => name === "as_is" && its.some((kind) => kinds.includes(kind)),
  ) ?? false;

/** What the API is asked for. */
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
    // Both sides are a box to fit into: nobody wants a picture squeezed.
    if (width && height) options.fit = true;
  } else if (choices.enlarge !== "keep") {
    options.scale = choices.enlarge;
  }
  if (tasks.some((task) => choices.models[task])) {
    // The API takes either tasks or models; the others are then named as the server would.
    options.models = tasks
      .map((task) => choices.models[task] ?? offered(task)?.[`${kind}_model`])
      .filter((name) => typeof name === "string");
  } else if (!chooses(choices)) {
    options.tasks = tasks;
  } else if (choices.care === "as-is" && offersCare(settings, [kind])) {
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
    // What another container could hold is left to the server here.
    if (value === undefined || (picks.length > 0 && !picks.includes(String(value)))) continue;
    Object.assign(options, { [option.name]: value });
  }
  return options;
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
  if (options.models?.length) words.push(options.models.join(" + "));
  return words.join(" · ");
}

/** What a person last asked for; kept for the next visit. */
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
