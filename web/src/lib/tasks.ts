import type { Task } from "@/api/types";

/** What each task is called on the page, in words a person uses. */
export const TASK_WORDS: Record<Task, { label: string; verb: string; hint: string }> = {
  upscale: { label: "Make larger", verb: "make larger", hint: "More pixels, with fine detail." },
  denoise: {
    label: "Remove noise",
    verb: "remove noise",
    hint: "For grainy pictures and those taken in the dark.",
  },
  sharpen: { label: "Sharpen", verb: "sharpen", hint: "For blurred and blocky pictures." },
  relight: { label: "Brighten", verb: "brighten", hint: "For pictures too dark or too pale." },
  restore: { label: "Repair", verb: "repair", hint: "For pictures with several faults at once." },
};
