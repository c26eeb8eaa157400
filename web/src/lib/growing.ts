import { computed, onScopeDispose, ref, watch, type Ref } from "vue";

/** What fills the largest screen, so that nobody sees more coming. */
const AT_FIRST = 40;

/**
 * As much of a long list as was scrolled to: a card costs more to make than its place on the page.
 *
 * @param end - An element after the list; whenever it comes near the window, the list grows.
 */
export function useGrowing<T>(list: () => readonly T[], end: Ref<Element | null>) {
  const most = ref(AT_FIRST);
  const shown = computed(() => list().slice(0, most.value));
  const whole = computed(() => shown.value.length === list().length);
  const observer = new IntersectionObserver(
    (entries) => {
      if (entries.some((entry) => entry.isIntersecting)) most.value += AT_FIRST;
    },
    { rootMargin: "100%" },
  );
  watch(
    [end, () => most.value],
    ([element]) => {
      // Looked at anew each time: one that is still in sight tells of no change.
      observer.disconnect();
      if (element) observer.observe(element);
    },
    { immediate: true, flush: "post" },
  );
  onScopeDispose(() => {
    observer.disconnect();
  });
  return { shown, whole };
}
