import { computed, onMounted, onUnmounted, ref, type ComputedRef } from "vue";

import { filesOf } from "@/lib/files";

function carriesFiles(event: DragEvent): boolean {
  return event.dataTransfer?.types.includes("Files") ?? false;
}

/** Accepts files dropped or pasted anywhere on the page, so that nobody has to aim. */
export function useFileDrop(take: (files: File[]) => void): { over: ComputedRef<boolean> } {
  /** How many elements deep a drag is over the window; 0 is outside. */
  const depth = ref(0);
  const listening = new AbortController();

  async function takeFrom(transfer: DataTransfer | null): Promise<void> {
    const files = transfer ? await filesOf(transfer) : [];
    if (files.length > 0) take(files);
  }

  onMounted(() => {
    const { signal } = listening;
    const on = <Name extends keyof WindowEventMap>(
      name: Name,
      handle: (event: WindowEventMap[Name]) => void,
    ) => {
      window.addEventListener(name, handle, { signal });
    };
    on("dragenter", (event) => {
      if (carriesFiles(event)) depth.value += 1;
    });
    on("dragleave", (event) => {
      if (carriesFiles(event)) depth.value = Math.max(0, depth.value - 1);
    });
    on("drop", (event) => {
      depth.value = 0;
      if (carriesFiles(event)) void takeFrom(event.dataTransfer);
    });
    on("paste", (event) => void takeFrom(event.clipboardData));
  });
  onUnmounted(() => {
    listening.abort();
  });
  return { over: computed(() => depth.value > 0) };
}

/** A file dropped elsewhere must not replace the page. */
export function guardPage(): void {
  for (const name of ["dragover", "drop"] as const) {
    window.addEventListener(name, (event) => {
      if (carriesFiles(event)) event.preventDefault();
    });
  }
}
