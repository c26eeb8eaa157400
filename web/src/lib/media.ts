import { onScopeDispose, readonly, ref, type Ref } from "vue";

/** Whether a media query matches, updated on each change. */
export function useMedia(query: string): Readonly<Ref<boolean>> {
  const list = window.matchMedia(query);
  const holds = ref(list.matches);
  const listening = new AbortController();
  list.addEventListener("change", () => (holds.value = list.matches), {
    signal: listening.signal,
  });
  onScopeDispose(() => {
    listening.abort();
  });
  return readonly(holds);
}
