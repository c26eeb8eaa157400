import { defineStore } from "pinia";
import { ref } from "vue";

import { troubleOf } from "@/api/errors";

export interface Notice {
  text: string;
  kind: "info" | "success" | "error";
}

/** Short messages at the bottom of the page, one after the other. */
export const useNotices = defineStore("notices", () => {
  const queue = ref<Notice[]>([]);

  function tell(text: string, kind: Notice["kind"] = "info"): void {
    if (!queue.value.some((notice) => notice.text === text)) queue.value.push({ text, kind });
  }

  /** Shows what went wrong, unless the server is unreachable: a banner says that. */
  function complain(error: unknown): void {
    const trouble = troubleOf(error);
    if (!trouble.offline) tell(trouble.message, "error");
  }

  function next(): void {
    queue.value.shift();
  }

  return { queue, tell, complain, next };
});
