/** Keeps the page for later, and brings in the headers that threads need. */

const TRIED = "crispen.isolating";

/**
 * Registers the service worker, and loads the page again where only that gives it threads.
 *
 * It is tried once: where it does not help, one thread does the work.
 *
 * @param free Whether nothing is lost when the page is loaded again.
 */
export async function isolate(free: () => boolean): Promise<void> {
  if (!("serviceWorker" in navigator) || import.meta.env.DEV) return;
  let worker: ServiceWorker | null;
  try {
    await navigator.serviceWorker.register(new URL("sw.js", document.baseURI));
    worker = (await navigator.serviceWorker.ready).active;
  } catch {
    return; // Private windows refuse it, and so do pages without HTTPS.
  }
  if (!window.crossOriginIsolated && free() && !sessionStorage.getItem(TRIED)) {
    sessionStorage.setItem(TRIED, "1");
    window.location.reload();
  } else worker?.postMessage("keep");
}
