import { enableAutoUnmount, flushPromises, mount } from "@vue/test-utils";
import { createPinia, setActivePinia } from "pinia";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createVuetify } from "vuetify";

import type { Job } from "@/api/types";
import AskDialog from "@/components/AskDialog.vue";
import { router } from "@/router";
import { useJobs } from "@/stores/jobs";
import EnhanceView from "@/views/EnhanceView.vue";

const { remove, bulk } = vi.hoisted(() => ({
  remove: vi.fn(() => Promise.resolve()),
  bulk: vi.fn(({ ids }: { ids: string[] }) => Promise.resolve({ done: ids, failed: [] })),
}));
vi.mock("@/api/client", async (original) => {
  const client = await original<{ jobs: object }>();
  return { ...client, jobs: { ...client.jobs, remove, bulk } };
});
vi.mock("@/lib/keep", () => ({ forgetOrigin: () => Promise.resolve() }));
enableAutoUnmount(afterEach);

const job = (id: string, created: number) =>
  ({
    id,
    name: `${id}.png`,
    kind: "image",
    status: "done",
    created,
    options: {},
    models: [],
    found: [],
    source: { width: 1, height: 1, bytes: 1, duration_s: null, viewable: true },
    result: { name: "", width: 2, height: 2, bytes: 1, notes: [] },
  }) as unknown as Job;

const show = () =>
  mount(EnhanceView, {
    attachTo: document.body,
    global: { plugins: [createVuetify(), router], stubs: { DropZone: true, AskDialog: true } },
  });

describe("the list of files", () => {
  beforeEach(() => {
    setActivePinia(createPinia());
    vi.clearAllMocks();
    useJobs().jobs = [job("a", 3), job("b", 2), job("c", 1)];
  });

  it("asks before it removes all results", async () => {
    const view = show();
    const button = view.findAll("button").find((one) => one.text() === "Remove finished");
    await button?.trigger("click");
    const question = view.getComponent(AskDialog);
    expect(question.props()).toMatchObject({ modelValue: true, title: "Remove 3 finished files?" });
    expect(bulk).not.toHaveBeenCalled();
    question.vm.$emit("agreed");
    await flushPromises();
    expect(bulk.mock.calls).toEqual([[{ action: "delete", ids: ["a", "b", "c"] }]]);
    expect(document.activeElement?.tagName).toBe("H1");
  });

  it("makes no more cards than are looked at", () => {
    useJobs().jobs = Array.from({ length: 500 }, (_, at) => job(at.toString(), at));
    expect(show().findAll("article").length).toBeLessThan(100);
  });

  it("keeps the focus in the list when a card goes", async () => {
    const view = show();
    const press = async (name: string) => {
      const button = view.get<HTMLElement>(`[aria-label="Remove ${name}"]`);
      button.element.focus();
      await button.trigger("click");
      await flushPromises();
      return document.activeElement?.getAttribute("aria-label");
    };
    expect(await press("b.png")).toBe("c.png");
    expect(await press("c.png")).toBe("a.png");
    expect(await press("a.png")).toBeNull();
    expect(document.activeElement?.tagName).toBe("H1");
  });
});
