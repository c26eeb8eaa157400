import { defineStore } from "pinia";
import { ref } from "vue";

import { look } from "@/api/client";
import { troubleOf, type Trouble } from "@/api/errors";
import type { Found } from "@/api/types";

/** A JPEG's first bytes hold its size and how it was compressed. */
const HEAD_BYTES = 256 * 1024;
/** A larger file is not sent just to be looked at. */
const MOST_BYTES = 16e6;
const AT_ONCE = 2;

/** What is known of files before they are sent: from the browser, and from the server's look. */
export const useFacts = defineStore("facts", () => {
  const facts = ref(new Map<string, Found>());
  /** Files whose pixels were examined too. */
  const whole = new Set<string>();
  const turns: (() => void)[] = [];
  let busy = 0;

  async function turn<T>(act: () => Promise<T>): Promise<T> {
    if (busy >= AT_ONCE) await new Promise<void>((resolve) => turns.push(resolve));
    busy += 1;
    try {
      return await act();
    } finally {
      busy -= 1;
      turns.shift()?.();
    }
  }

  /** What one knows and the other does not. */
  function add(key: string, found: Partial<Found>): void {
    const before = facts.value.get(key) ?? { kind: null, found: [] };
    const known = Object.entries(found).filter(
      ([, value]) => value !== null && value !== undefined,
    );
    facts.value.set(key, { ...before, ...Object.fromEntries(known) });
  }

  /** Looks at a file's beginning; why the server would refuse the file, or null. */
  async function learn(key: string, file: File): Promise<Trouble | null> {
    try {
      const found = await turn(() => {
        const part = file.size > HEAD_BYTES;
        if (!part) whole.add(key);
        return look(part ? file.slice(0, HEAD_BYTES) : file, file.name, part);
      });
      add(key, found);
      return null;
    } catch (error) {
      const trouble = troubleOf(error);
      // Everything else is a fault of the server or the page, not of the file.
      return trouble.code === "bad_input" ? trouble : null;
    }
  }

  /** Examines the pixels too, for the file on view. */
  async function study(key: string, file: File, signal: AbortSignal): Promise<void> {
    if (whole.has(key) || file.size > MOST_BYTES) return;
    try {
      const found = await look(file, file.name, false, signal);
      whole.add(key);
      add(key, found);
    } catch {
      // It is then shown with what is known.
    }
  }

  function forget(key: string): void {
    facts.value.delete(key);
    whole.delete(key);
  }

  return { facts, add, learn, study, forget };
});
