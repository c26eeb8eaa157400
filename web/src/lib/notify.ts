import { computed, ref, watch, type Ref } from "vue";

import { ROOT } from "@/api/client";
import { plural } from "@/lib/format";

const KEY = "crispen.notify";
/** Users who waited less than this are still there. */
const LONG_MS = 20_000;

/** Whether the user wants a notification when long work ends. */
const wanted = ref(localStorage.getItem(KEY) === "yes");

function show(text: string): void {
  const options = { body: text, icon: `${ROOT}/icon-192.png`, tag: "crispen-done" };
  void (async () => {
    const worker = await navigator.serviceWorker?.getRegistration();
    // On phones only a service worker may.
    if (worker) await worker.showNotification("Crispen", options);
    else new Notification("Crispen", options);
  })();
}

/** Asks for permission, and can be turned off. */
export function useNotifying() {
  const possible = "Notification" in window;
  const on = computed(() => wanted.value && possible && Notification.permission === "granted");

  async function turn(): Promise<void> {
    const wish = !on.value;
    if (wish && (await Notification.requestPermission()) !== "granted") return;
    wanted.value = wish;
    localStorage.setItem(KEY, wish ? "yes" : "no");
  }
  return { possible, on, turn };
}

/** Notifies the user when long work ends while the page is hidden. */
export function notifyWhenDone(
  busy: Ref<boolean>,
  result: () => { done: number; undone: number },
): void {
  let began = 0;
  watch(busy, (is) => {
    if (is) began = Date.now();
    const long = Date.now() - began >= LONG_MS;
    if (is || !long || !document.hidden || !wanted.value) return;
    if (!("Notification" in window) || Notification.permission !== "granted") return;
    const { done, undone } = result();
    const bad = undone > 0 ? `, ${undone.toString()} not` : "";
    show(`${plural(done, "file")} done${bad}.`);
  });
}
