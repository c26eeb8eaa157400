import type { Settings, Task, TaskChoice } from "@/api/types";

/** All tasks, in the order in which they are done; none before the server has sent them. */
export const tasksIn = (settings: Settings | null): TaskChoice[] => settings?.tasks ?? [];

/** What a task is called on the page; its plain name if the server gives none. */
export function labelOf(task: string, settings: Settings | null): string {
  return tasksIn(settings).find((choice) => choice.task === task)?.label ?? task;
}

export const choiceOf = (task: Task, settings: Settings | null): TaskChoice | undefined =>
  tasksIn(settings).find((choice) => choice.task === task);
