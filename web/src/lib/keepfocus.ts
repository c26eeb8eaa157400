/** Never leaves a person with a keyboard at the beginning of the page when what had the focus goes. */

/** Enough for what a menu in a dialog was opened from. */
const REMEMBERED = 8;
/** What shows by itself that it has the focus, or stands for what was in it. */
const LANDINGS = "a[href], button, input, [tabindex], article, section, #content";

const usable = (element: Element): boolean =>
  element.isConnected &&
  element.checkVisibility() &&
  !element.matches(":disabled, [inert], [inert] *, .v-overlay--leaving *");

/** Where the focus lands after one of these lost it: on it itself, or on what it was in. */
function landing(paths: readonly Element[][]): HTMLElement | null {
  for (const path of paths) {
    const found = path.find((element) => usable(element) && element.matches(LANDINGS));
    if (found instanceof HTMLElement) return found;
  }
  return null;
}

export function keepFocus(root: Document): () => void {
  /** What had the focus, newest first, each with what it was in. */
  let paths: Element[][] = [];
  const listening = new AbortController();
  const { signal } = listening;

  root.addEventListener(
    "focusin",
    (event) => {
      const path = event.composedPath().filter((one) => one instanceof Element);
      paths = [path, ...paths.filter(([other]) => other !== path[0])].slice(0, REMEMBERED);
    },
    { signal },
  );
  // Who presses beside everything wants the focus nowhere.
  root.addEventListener(
    "pointerdown",
    (event) => {
      const target = event.target instanceof Element ? event.target : null;
      if (!target?.closest(LANDINGS)) paths = [];
    },
    { signal },
  );

  const observer = new MutationObserver(() => {
    const [newest] = paths;
    const lost = newest?.[0] && root.activeElement === root.body && !usable(newest[0]);
    if (!lost) return;
    // After those that know a better place.
    setTimeout(() => {
      if (root.activeElement !== root.body) return;
      const place = landing(paths);
      if (!place) return;
      if (!place.matches("a[href], button, input, [tabindex]")) place.tabIndex = -1;
      place.focus({ preventScroll: true });
    }, 50);
  });
  observer.observe(root.body, {
    subtree: true,
    childList: true,
    attributeFilter: ["disabled", "class", "style"],
  });
  return () => {
    listening.abort();
    observer.disconnect();
  };
}
