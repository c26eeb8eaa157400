import { defineStore } from "pinia";
import { ref } from "vue";

import { models as api } from "@/api/client";
import { troubleOf } from "@/api/errors";
import type { Model } from "@/api/types";
import { useNotices } from "@/stores/notices";
import { useServer } from "@/stores/server";

/** The models available on the server. */
export const useModels = defineStore("models", () => {
  const notices = useNotices();
  const server = useServer();
  const models = ref<Model[]>([]);
  const loaded = ref(false);
  /** Share of a model file that is sent; null while none is. */
  const adding = ref<number | null>(null);
  const problem = ref("");

  async function load(): Promise<void> {
    try {
      models.value = await api.list();
      loaded.value = true;
    } catch (error) {
      notices.complain(error);
    }
  }

  /** Whether it worked; if not, `problem` says why. */
  async function add(file: File, name: string): Promise<boolean> {
    adding.value = 0;
    problem.value = "";
    try {
      const model = await api.add(file, name, (share) => {
        adding.value = share;
      });
      notices.tell(`${model.name} is ready to use.`, "success");
      // What can be chosen on the Enhance page may have grown.
      await Promise.all([load(), server.refresh()]);
      return true;
    } catch (error) {
      problem.value = troubleOf(error).message;
      return false;
    } finally {
      adding.value = null;
    }
  }

  async function remove(name: string): Promise<void> {
    try {
      await api.remove(name);
      await Promise.all([load(), server.refresh()]);
    } catch (error) {
      notices.complain(error);
    }
  }

  return { models, loaded, adding, problem, load, add, remove };
});
