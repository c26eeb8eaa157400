/** Keeps keyboard users in place when the element with the focus disappears. */

/** Enough for the opener of a menu in a dialog. */
const REMEMBERED = 8;
/** Elements that show the focus themselves, or represent what was in them. */
const LANDINGS = "a[href], button, input, [tabindex], article, section, #content";

const usable = (element: Element): boolean =>
  element.isConnected &&
  element.checkVisibility() &&
  !element.matches(":disabled, [inert], [inert] *, .v-overlay--leaving *");

/** Where the focus goes after one of these lost it: to the element, or to its container. */
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
  // A click on empty space removes the focus on purpose.
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
    // Runs after handlers that know a better place.
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
