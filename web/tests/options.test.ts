import { flushPromises, mount } from "@vue/test-utils";
import { createPinia, setActivePinia } from "pinia";
import { beforeEach, describe, expect, it } from "vitest";
import { createVuetify } from "vuetify";
import { VSlider } from "vuetify/components/VSlider";

import openapi from "../openapi.json";
import type { Kind, Option, Settings } from "@/api/types";
import ChoicesPanel from "@/components/ChoicesPanel.vue";
import OptionField from "@/components/OptionField.vue";
import OptionGroup from "@/components/OptionGroup.vue";
import { furtherOptions, optionProblem, PLACED, type Value } from "@/lib/options";
import { router } from "@/router";
import { DEFAULTS, optionsOf, useChoices } from "@/stores/choices";
import { useServer } from "@/stores/server";

interface Schema {
  type?: Option["type"] | "array" | "null";
  enum?: string[];
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
  anyOf?: Schema[];
  default?: boolean;
  description?: string;
  "x-label"?: string;
  "x-usual"?: string;
  "x-unit"?: string;
  "x-group"?: string;
  "x-kinds"?: Kind[];
  examples?: string[];
}

/** What the server says of each field of a request, out of the document that it publishes. */
const OPTIONS = Object.entries(openapi.components.schemas.Request.properties).map(
  ([name, schema]) => {
    const about = schema as Schema;
    const value = (about.anyOf ?? [about]).find(({ type }) => type !== "null") ?? {};
    return {
      name,
      word: name,
      type: value.type,
      many: value.type === "array",
      choices: value.enum ?? null,
      minimum: value.minimum ?? null,
      maximum: value.maximum ?? null,
      exclusive_minimum: value.exclusiveMinimum ?? null,
      default: about.default ?? null,
      description: about.description,
      label: about["x-label"],
      usual: about["x-usual"] ?? "",
      unit: about["x-unit"] ?? "",
      group: about["x-group"] ?? "",
      examples: about.examples ?? [],
      kinds: about["x-kinds"],
    } as Option;
  },
);
const task = (name: string, usual: string | null, available = true) => ({
  task: name,
  label: `To ${name}`,
  verb: name,
  hint: "",
  result: name,
  usual,
  available,
  strength: false,
  image_model: `${name}-photo`,
  video_model: `${name}-photo`,
  models: [],
});
/** As one that is chosen on a scale would be; none of those with controls by type is one yet. */
const DIAL = {
  ...OPTIONS.find(({ name }) => name === "strength"),
  name: "dial",
  label: "A dial",
  description: "How far to turn it.",
  usual: "as much as is found",
} as Option;
const SETTINGS = {
  options: [...OPTIONS, DIAL],
  tasks: openapi.components.schemas.TaskChoice.properties.task.enum.map((name) =>
    task(name, name === "restore" ? null : name, name !== "sharpen"),
  ),
  formats: [
    { format: "webm", kind: "video", type: "video/webm", quality: true, codecs: ["vp9", "av1"] },
    { format: "mp4", kind: "video", type: "video/mp4", quality: true, codecs: ["h264", "hevc"] },
  ],
  limits: { max_side_px: 65_500 },
  scales: [2],
} as unknown as Settings;

const further = (changes: Record<string, Value>, kind: Kind = "video", format?: string) =>
  optionsOf(
    { ...DEFAULTS, further: changes, formats: { image: null, video: format ?? null } },
    kind,
    SETTINGS,
  );

/** A value that is not the default, as somebody would choose it. */
const chosen = (option: Option): Value =>
  option.type === "boolean" ? true : (option.choices?.[0] ?? (option.maximum ? 1 : "medium"));

describe("the options of a request", () => {
  beforeEach(() => {
    localStorage.clear();
    setActivePinia(createPinia());
    useServer().settings = SETTINGS;
  });

  it("have all a place on the page, and the page has no other", () => {
    const names = [...OPTIONS, DIAL].map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining([...PLACED]));
    const rest = furtherOptions(SETTINGS, ["image", "video"]).map(({ name }) => name);
    expect([...PLACED, ...rest].sort()).toEqual([...names].sort());
    expect(rest).toContain("strip_metadata");
  });

  it.each(furtherOptions(SETTINGS, ["image", "video"]))("$name is sent as chosen", (option) => {
    const value = chosen(option);
    for (const kind of ["image", "video"] as const) {
      const sent = further({ [option.name]: value }, kind);
      expect(option.name in sent).toBe(option.kinds.includes(kind));
    }
    for (const kind of option.kinds) {
      expect(further({ [option.name]: value }, kind)).toMatchObject({ [option.name]: value });
      expect(further({ [option.name]: option.default }, kind)).not.toHaveProperty(option.name);
    }
  });

  it("send a codec only to a container that holds it", () => {
    expect(further({ codec: "h264" }, "video", "webm").codec).toBeUndefined();
    expect(further({ codec: "vp9" }, "video", "webm").codec).toBe("vp9");
  });

  it("say what is wrong with a number", () => {
    const crf = OPTIONS.find(({ name }) => name === "crf");
    if (!crf) throw new Error("there is no crf");
    expect(optionProblem(crf, "18,5")).toBe("Enter a number.");
    expect(optionProblem(crf, "64")).toBe("Enter a number from 0 to 63.");
    expect(optionProblem(crf, "18.5")).toBe("");
    useChoices().choices.further["crf"] = "64";
    expect(useChoices().problem).toBe("Correct the CRF.");
  });
});

describe("the panel", () => {
  beforeEach(() => {
    localStorage.clear();
    setActivePinia(createPinia());
    useServer().settings = SETTINGS;
  });
  const show = (kinds: Kind[]) =>
    mount(ChoicesPanel, {
      props: { count: 1, kinds, tried: null },
      global: { plugins: [createVuetify(), router] },
    });

  it("has a labelled control for every further option of these kinds", async () => {
    const panel = show(["image", "video"]);
    await flushPromises();
    const sliders = panel
      .findAll("[aria-labelledby^=option-]")
      .map((slider) => panel.get(`#${slider.attributes("aria-labelledby") ?? ""}`).text());
    const labels = [...panel.findAll("label").map((label) => label.text()), ...sliders];
    for (const option of furtherOptions(SETTINGS, ["image", "video"])) {
      expect(panel.text()).toContain(option.description);
      expect(labels).toContain(option.label);
    }
    expect(show(["image"]).text()).not.toContain("Codec of videos");
  });

  it("keeps what belongs together under one heading, for videos alone", () => {
    const group = show(["image", "video"]).getComponent(OptionGroup);
    expect(group.get("legend").text()).toBe("Part of the clip");
    const names = group.findAllComponents(OptionField).map((field) => field.props("option").name);
    expect(names.sort()).toEqual(["crop", "duration", "end", "fps", "start"]);
    expect(show(["image"]).findComponent(OptionGroup).exists()).toBe(false);
  });

  it("leaves a dial to the server until somebody turns it, and again when told so", async () => {
    const panel = show(["image"]);
    const field = panel
      .findAllComponents(OptionField)
      .find((f) => f.props("option").name === DIAL.name);
    expect(field?.text()).toContain("Automatic (as much as is found)");
    field?.getComponent(VSlider).vm.$emit("update:modelValue", 0.5);
    await flushPromises();
    expect(optionsOf(useChoices().choices, "image", SETTINGS)).toMatchObject({ dial: 0.5 });
    expect(field?.text()).toContain("50 %");
    await field?.get("button").trigger("click");
    expect(optionsOf(useChoices().choices, "image", SETTINGS)).not.toHaveProperty("dial");
  });

  it("offers tasks in the order in which they are done", () => {
    const switches = (kind: Kind) =>
      show([kind])
        .findAll(".touches label")
        .map((label) => label.text());
    // What pictures are repaired by follows from each of them, unless a person wants steps.
    expect(switches("image")).toEqual([]);
    const labels = switches("video");
    useChoices().choices.care = "steps";
    expect(switches("image")).toEqual(labels);
    const available = SETTINGS.tasks.filter((choice) => choice.available);
    const names = available.map((choice) => choice.label);
    expect(labels).toEqual(names.filter((name) => name !== "To upscale"));
    expect(labels).toContain("To restore");
    expect(show(["image"]).text()).toContain("No model yet to sharpen.");
  });

  it("asks for several tasks in that order, whatever was switched on first", () => {
    const touches = ["relight" as const, "denoise" as const];
    expect(optionsOf({ ...DEFAULTS, care: "steps", touches }, "image", SETTINGS).tasks).toEqual([
      "denoise",
      "relight",
      "upscale",
    ]);
  });
});
