import { ROOT } from "@/api/client";

/** Lets the page be installed and opened without a network, where the browser can. */
export function install(): void {
  // In development, the page's files have no stable names.
  if (!import.meta.env.PROD || !("serviceWorker" in navigator)) return;
  navigator.serviceWorker.register(`${ROOT}/sw.js`, { scope: `${ROOT}/` }).catch(() => {
    // If the browser forbids it, everything else still works.
  });
}
