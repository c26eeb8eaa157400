import { defineStore } from "pinia";
import { computed, ref } from "vue";

import { troubleOf } from "@/api/errors";
import { getSettings, listen, ping, session as api } from "@/api/client";
import type { Settings } from "@/api/types";

const FIRST_WAIT_MS = 1000;
const LONGEST_WAIT_MS = 15_000;

/** The server as this page knows it: whether it answers, lets us in, and what it offers. */
export const useServer = defineStore("server", () => {
  const online = ref(true);
  const signInNeeded = ref(false);
  const tokenInUse = ref(false);
  const settings = ref<Settings | null>(null);
  /** Increases each time the server is reachable again; views of its data watch this. */
  const generation = ref(0);

  let timer: ReturnType<typeof setTimeout> | undefined;
  let wait = FIRST_WAIT_MS;

  const ready = computed(() => online.value && !signInNeeded.value && settings.value !== null);

  function markOffline(): void {
    if (!online.value) return;
    online.value = false;
    wait = FIRST_WAIT_MS;
    schedule();
  }

  function markOnline(): void {
    clearTimeout(timer);
    if (online.value) return;
    online.value = true;
    void refresh();
  }

  function schedule(): void {
    clearTimeout(timer);
    timer = setTimeout(() => void tryNow(), wait);
    wait = Math.min(2 * wait, LONGEST_WAIT_MS);
  }

  async function tryNow(): Promise<void> {
    try {
      await ping();
    } catch {
      if (!online.value) schedule();
    }
  }

  /** Asks for everything again that depends on who we are and what the server is now. */
  async function refresh(): Promise<void> {
    try {
      const state = await api.get();
      tokenInUse.value = state.needed;
      signInNeeded.value = state.needed && !state.signed_in;
      if (signInNeeded.value) return;
      settings.value = await getSettings();
      generation.value += 1;
    } catch (error) {
      // `listen` reports the failure; the server's next answer leads here again.
      const { retryAfterS } = troubleOf(error);
      if (retryAfterS !== undefined) setTimeout(() => void refresh(), 1000 * retryAfterS);
    }
  }

  async function signIn(token: string): Promise<void> {
    await api.signIn(token);
    await refresh();
  }

  async function signOut(): Promise<void> {
    await api.signOut();
    signInNeeded.value = true;
  }

  function start(): void {
    listen({
      signedOut: () => {
        signInNeeded.value = true;
      },
      offline: markOffline,
      online: markOnline,
    });
    window.addEventListener("online", () => void tryNow());
    void refresh();
  }

  return {
    online,
    signInNeeded,
    tokenInUse,
    settings,
    generation,
    ready,
    markOffline,
    refresh,
    tryNow,
    signIn,
    signOut,
    start,
  };
});
