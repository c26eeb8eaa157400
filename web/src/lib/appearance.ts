import { ref, watch, type Ref } from "vue";
import { useTheme } from "vuetify";

export type Appearance = "system" | "light" | "dark";

const ORDER: Appearance[] = ["system", "light", "dark"];
const KEY = "crispen.appearance";

function recalled(): Appearance {
  const kept = localStorage.getItem(KEY);
  return ORDER.find((name) => name === kept) ?? "system";
}

/** Light, dark, or the system's choice; remembered. */
export function useAppearance(): { appearance: Ref<Appearance>; next: () => void } {
  const theme = useTheme();
  const appearance = ref(recalled());

  watch(
    appearance,
    (now) => {
      void theme.change(now);
      if (now === "system") localStorage.removeItem(KEY);
      else localStorage.setItem(KEY, now);
    },
    { immediate: true },
  );

  function next(): void {
    appearance.value = ORDER[(ORDER.indexOf(appearance.value) + 1) % ORDER.length] ?? "system";
  }

  return { appearance, next };
}
