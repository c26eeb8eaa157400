import { mount } from "@vue/test-utils";
import { createPinia, setActivePinia } from "pinia";
import { beforeEach, describe, expect, it } from "vitest";
import { createVuetify } from "vuetify";

import type { Job } from "@/api/types";
import ItemCard from "@/components/ItemCard.vue";
import { statusOf } from "@/lib/status";
import { router } from "@/router";
import type { Item } from "@/stores/queue";

function job(changes: Partial<Job>): Item {
  const whole = {
    id: "1",
    name: "<b>cat</b>.jpg",
    kind: "image",
    status: "queued",
    options: { scale: 2 },
    models: [],
    found: [],
    source: { width: 100, height: 50, bytes: 10, duration_s: null, viewable: true },
    result: null,
    progress: null,
    position: 1,
    error: null,
    ...changes,
  } as unknown as Job;
  return { key: "1", added: 0, upload: null, job: whole, thumbnail: null };
}

const show = (item: Item) =>
  mount(ItemCard, { props: { item }, global: { plugins: [createVuetify(), router] } });

describe("a line of the queue", () => {
  beforeEach(() => {
    setActivePinia(createPinia());
  });

  it("tells progress, rate and time left", () => {
    const progress = {
      what: "frames",
      done: 30,
      total: 120,
      unit: "frames",
      rate: 24,
      left_s: 170,
    };
    const running = job({ status: "running", progress });
    expect(statusOf(running)).toEqual({
      tone: "active",
      text: "Enhancing 25 %",
      detail: "24 frames/s · about 3 min left",
      progress: 25,
    });
    const card = show(running);
    expect(card.get("[role=progressbar]").attributes("aria-valuenow")).toBe("25");
    expect(card.text()).toContain("Cancel");
  });

  it("says what was found and which model was chosen for it", () => {
    const card = show(job({ found: ["JPEG, quality about 60"], models: ["real-x2"] }));
    expect(card.findAll(".chips li").map((chip) => chip.text())).toEqual([
      "JPEG, quality about 60",
      "real-x2",
    ]);
    expect(show(job({})).find(".chips").exists()).toBe(false);
  });

  it("shows a name as text, whatever is in it", () => {
    const card = show(job({}));
    expect(card.get("h3").text()).toBe("<b>cat</b>.jpg");
    expect(card.find("h3 b").exists()).toBe(false);
  });

  it("says its place in the line", () => {
    expect(statusOf(job({ position: 3 })).text).toBe("Waiting, 3rd in line");
    expect(statusOf(job({ position: 1 })).text).toBe("Next in line");
  });

  it("leads from a finished job to comparing and downloading", () => {
    const result = { name: "cat.x2.jpg", width: 200, height: 100, bytes: 1, notes: [] };
    const card = show(job({ status: "done", result } as unknown as Partial<Job>));
    const links = card.findAll("a").map((link) => link.attributes("href"));
    expect(links).toContain("/compare/1");
    expect(links).toContain("/api/v1/jobs/1/result");
  });

  it("says why a job failed, and offers another try", () => {
    const card = show(job({ status: "failed", error: "not a picture; choose another file" }));
    expect(card.text()).toContain("Not a picture; choose another file");
    expect(card.text()).toContain("Try again");
  });

  it("labels every button", () => {
    for (const status of ["queued", "running", "done", "failed", "cancelled"] as const) {
      for (const button of show(job({ status })).findAll("button, a")) {
        expect(button.attributes("aria-label") ?? button.text()).not.toBe("");
      }
    }
  });
});
