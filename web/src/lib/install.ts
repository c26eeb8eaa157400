import { ROOT } from "@/api/client";

/** Lets the page be installed and opened without a network, where the browser can. */
export function install(): void {
  // While the page is developed its files have no lasting names.
  if (!import.meta.env.PROD || !("serviceWorker" in navigator)) return;
  navigator.serviceWorker.register(`${ROOT}/sw.js`, { scope: `${ROOT}/` }).catch(() => {
    // Where the browser forbids it, everything else works as before.
  });
}
