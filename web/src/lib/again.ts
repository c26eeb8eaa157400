import { ref } from "vue";
import { useRoute, useRouter } from "vue-router";

import type { Job } from "@/api/types";
import { choicesOf, useChoices } from "@/stores/choices";
import { useServer } from "@/stores/server";
import { useUploads } from "@/stores/uploads";

/** Enhances a file that the server has again, starting from its earlier choices. */
export function useAgain() {
  const route = useRoute();
  const router = useRouter();
  const choices = useChoices();
  const server = useServer();
  const uploads = useUploads();
  const fetching = ref(false);

  async function again(job: Job): Promise<void> {
    fetching.value = true;
    try {
      // The choices for other files stay.
      if (uploads.chosen.length === 0)
        choices.choices = choicesOf(job.options, server.settings, job.source.type);
      await uploads.addAgain(job);
      if (route.name !== "enhance") await router.push({ name: "enhance" });
    } finally {
      fetching.value = false;
    }
  }
  return { again, fetching };
}
