import { computed, onScopeDispose, ref, watch, type Ref } from "vue";

/** Fills the largest screen, so that nobody sees the list grow. */
const AT_FIRST = 40;

/**
 * The part of a long list that was scrolled to, since making a card is expensive.
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
      // Observed again each time: an element that stays in sight reports no change.
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
