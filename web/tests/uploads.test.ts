import { AxiosError, type AxiosResponse } from "axios";
import { createPinia, setActivePinia } from "pinia";
import { beforeEach, describe, expect, it, vi } from "vitest";

import type { Job, Settings } from "@/api/types";
import type { KeptUpload } from "@/lib/keep";
import type { SendHandlers } from "@/lib/send";
import { useServer } from "@/stores/server";
import { useUploads } from "@/stores/uploads";

const { sends, kept, create } = vi.hoisted(() => ({
  sends: [] as { file: File; resumeAt: string | null; handlers: SendHandlers }[],
  kept: new Map<string, KeptUpload>(),
  create: vi.fn(),
}));

vi.mock("@/lib/send", () => ({
  send: (file: File, _endpoint: string, resumeAt: string | null, handlers: SendHandlers) => {
    sends.push({ file, resumeAt, handlers });
    return { pause: vi.fn(), abandon: vi.fn(() => Promise.resolve()) };
  },
}));
vi.mock("@/lib/thumbnail", () => ({ thumbnail: () => Promise.resolve(null) }));
vi.mock("@/lib/keep", () => ({
  keepUpload: (upload: KeptUpload) => {
    kept.set(upload.key, upload);
    return Promise.resolve();
  },
  forgetUpload: (key: string) => {
    kept.delete(key);
    return Promise.resolve();
  },
  keptUploads: () => Promise.resolve([...kept.values()]),
}));
vi.mock("@/api/client", async (original) => ({
  ...(await original<object>()),
  look: () => Promise.resolve({ kind: "image", found: [] }),
  jobs: { create },
}));

const file = (name: string) => new File(["pixels"], name, { type: "image/png" });
const settle = () => new Promise((resolve) => setTimeout(resolve));

function fresh() {
  setActivePinia(createPinia());
  useServer().settings = { tus_url: "/api/v1/uploads/" } as Settings;
  return useUploads();
}

describe("uploads", () => {
  beforeEach(() => {
    sends.length = 0;
    kept.clear();
    create
      .mockReset()
      .mockImplementation((work: { name: string }) =>
        Promise.resolve({ id: `job-${work.name}` } as Job),
      );
  });

  it("keeps the order in which files were dropped, the newest drop first", async () => {
    let uploads = fresh();
    uploads.add([file("1.png"), file("2.png"), file("3.png")]);
    uploads.add([file("4.png"), file("5.png")]);
    await settle();
    const shown = () =>
      [...uploads.uploads].sort((a, b) => b.added - a.added).map(({ name }) => name[0]);
    expect(shown().join("")).toBe("45123");
    uploads = fresh();
    await uploads.recall();
    expect(shown().join("")).toBe("45123");
  });

  it("sends nothing while it is paused", async () => {
    const uploads = fresh();
    uploads.add([file("a.png"), file("b.png"), file("c.png")]);
    uploads.start(() => ({}));
    expect(sends).toHaveLength(2);
    uploads.pause(true);
    expect(uploads.unsent).toBe(3);
    uploads.pump();
    await settle();
    expect(sends).toHaveLength(2);
    uploads.pause(false);
    expect(sends).toHaveLength(4);
    uploads.removeAll(uploads.uploads.map(({ key }) => key));
    await settle();
    expect([uploads.uploads.length, kept.size]).toEqual([0, 0]);
  });

  it("waits for a person, then sends two at a time", async () => {
    const uploads = fresh();
    uploads.add([file("a"), file("b"), file("c")]);
    expect(uploads.chosen).toHaveLength(3);
    expect(sends).toHaveLength(0);
    uploads.start(() => ({ scale: 2 }));
    expect(sends.map((sent) => sent.file.name)).toEqual(["a", "b"]);
    sends[0]?.handlers.done("/uploads/1");
    await settle();
    expect(sends.map((sent) => sent.file.name)).toEqual(["a", "b", "c"]);
  });

  it("becomes a job, and is then forgotten", async () => {
    const uploads = fresh();
    const arrived = vi.fn();
    uploads.onArrived(arrived);
    uploads.add([file("a")]);
    uploads.start(() => ({ scale: 3 }));
    sends[0]?.handlers.done("/uploads/1");
    await settle();
    expect(create).toHaveBeenCalledWith({
      upload: "/uploads/1",
      name: "a",
      options: { scale: 3 },
    });
    expect(arrived).toHaveBeenCalledOnce();
    expect(uploads.uploads).toHaveLength(0);
    expect(kept.size).toBe(0);
  });

  it("goes on after a reload where it was", async () => {
    const before = fresh();
    before.add([file("a")]);
    before.start(() => ({ scale: 2 }));
    sends[0]?.handlers.located("/uploads/7");
    await settle();
    const after = fresh();
    await after.recall();
    expect(sends[1]?.resumeAt).toBe("/uploads/7");
    expect(after.uploads[0]?.state).toBe("sending");
  });

  it("asks for a file that the browser did not keep, and takes it up by name and size", async () => {
    const before = fresh();
    before.add([file("a")]);
    before.start(() => ({ scale: 2 }));
    sends[0]?.handlers.located("/uploads/7");
    await settle();
    for (const upload of kept.values()) upload.file = null;
    const after = fresh();
    await after.recall();
    expect(after.uploads[0]?.state).toBe("lost");
    after.add([file("a")]);
    expect(after.uploads).toHaveLength(1);
    expect(sends[1]?.resumeAt).toBe("/uploads/7");
  });

  it("waits for a server that is away, and fails where it refuses", async () => {
    const uploads = fresh();
    uploads.add([file("a"), file("b")]);
    uploads.start(() => ({}));
    sends[0]?.handlers.failed({ code: "too_large", message: "too large", offline: false });
    expect(uploads.uploads[0]).toMatchObject({ state: "failed", error: "too large" });
    sends[1]?.handlers.failed({ code: "offline", message: "", offline: true });
    expect(uploads.uploads[1]).toMatchObject({ state: "waiting", error: "" });
    const [failed] = uploads.uploads;
    useServer().online = true;
    uploads.retry(failed?.key ?? "");
    await settle();
    expect(uploads.uploads[0]?.state).toBe("sending");
  });

  it("waits as long as the server asks, and goes on where it was", async () => {
    vi.useFakeTimers();
    const uploads = fresh();
    uploads.add([file("a"), file("b")]);
    uploads.start(() => ({}));
    const busy = { code: "too_many_requests", message: "wait a little", offline: false };
    sends[0]?.handlers.located("/uploads/1");
    sends[0]?.handlers.failed({ ...busy, retryAfterS: 3 });
    expect(uploads.uploads[0]).toMatchObject({ state: "waiting", waits: 1, url: "/uploads/1" });
    // A file that is there, but for its job.
    const tooMany = { error: { code: "too_many_jobs", message: "wait for one" } };
    const response = { status: 429, headers: { "retry-after": "5" }, data: tooMany };
    const refused = new AxiosError("", "", undefined, {}, response as unknown as AxiosResponse);
    create.mockRejectedValueOnce(refused);
    sends[1]?.handlers.located("/uploads/2");
    sends[1]?.handlers.done("/uploads/2");
    await vi.advanceTimersByTimeAsync(4900);
    expect(uploads.uploads[1]).toMatchObject({ state: "waiting", waits: 1, url: "/uploads/2" });
    expect(sends).toHaveLength(2);
    await vi.advanceTimersByTimeAsync(200);
    expect(sends.slice(2).map((sent) => sent.resumeAt)).toEqual(["/uploads/1", "/uploads/2"]);
    vi.useRealTimers();
  });

  it("does not wait for ever", async () => {
    vi.useFakeTimers();
    const uploads = fresh();
    uploads.add([file("a")]);
    uploads.start(() => ({}));
    for (let asked = 0; asked < 100 && uploads.uploads[0]?.state !== "failed"; asked += 1) {
      const busy = { code: "busy", message: "wait a little", offline: false, retryAfterS: 1 };
      sends.at(-1)?.handlers.failed(busy);
      await vi.advanceTimersByTimeAsync(61_000);
    }
    expect(uploads.uploads[0]).toMatchObject({ state: "failed", error: "wait a little" });
    vi.useRealTimers();
  });

  it("shows why a job was refused, and sends the file anew on another try", async () => {
    const uploads = fresh();
    create.mockRejectedValueOnce(new Error("no picture"));
    uploads.add([file("a")]);
    uploads.start(() => ({}));
    sends[0]?.handlers.located("/uploads/1");
    sends[0]?.handlers.done("/uploads/1");
    await settle();
    expect(uploads.uploads[0]).toMatchObject({ state: "failed", error: "no picture", url: null });
    // Not sent again and again by each visit.
    const after = fresh();
    await after.recall();
    expect(after.uploads[0]).toMatchObject({ state: "failed", error: "no picture" });
    expect(sends).toHaveLength(1);
  });
});
