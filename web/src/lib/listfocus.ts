import { nextTick, watch } from "vue";

/**
 * Moves the focus to the neighbour when the card that has it is removed; otherwise it would leave a
 * person with a keyboard at the beginning of the page.
 *
 * Cards carry their key as `data-key`.
 */
export function useListFocus(keys: () => string[], otherwise: () => void): void {
  watch(keys, async (now, before) => {
    // The page still shows what was there before.
    const held = document.activeElement?.closest<HTMLElement>("[data-key]")?.dataset["key"];
    if (held === undefined || now.includes(held)) return;
    const next = now[Math.min(before.indexOf(held), now.length - 1)];
    await nextTick();
    if (next === undefined) otherwise();
    else document.querySelector<HTMLElement>(`[data-key="${CSS.escape(next)}"]`)?.focus();
  });
}
