import { defineStore } from "pinia";
import { computed, reactive, ref, shallowReactive } from "vue";

import { jobs as api } from "@/api/client";
import { troubleOf, type Trouble } from "@/api/errors";
import type { Job, JobOptions, Kind } from "@/api/types";
import { folderOf, kindOf } from "@/lib/files";
import { forgetUpload, keepUpload, keptUploads, type KeptUpload } from "@/lib/keep";
import { send, type Sending } from "@/lib/send";
import { thumbnail } from "@/lib/thumbnail";
import { useFacts } from "@/stores/facts";
import { useServer } from "@/stores/server";

/**
 * chosen: waits for a person · waiting: for its turn · sending · starting: the job is made ·
 * lost: the browser no longer has the file · failed
 */
export type UploadState = "chosen" | "waiting" | "sending" | "starting" | "lost" | "failed";

export interface PendingUpload {
  key: string;
  name: string;
  bytes: number;
  kind: Kind;
  added: number;
  options: Partial<JobOptions> | null;
  url: string | null;
  /** The job whose source is enhanced again, so that nothing is sent. */
  from: string | null;
  /** Its folder in what was dropped, such as "holiday/2019"; "" for none. */
  folder: string;
  state: UploadState;
  sent: number;
  /** How often the server asked to wait with it. */
  waits: number;
  error: string;
  /** Whether another try with the same file would fail the same way. */
  hopeless: boolean;
  thumbnail: Blob | null;
}

const AT_ONCE = 2;
/** What is wrong with the file itself. */
const HOPELESS = new Set(["bad_input", "too_large", "empty"]);
/** Half an hour in total at least; a server that stays busy longer is reported. */
const MOST_WAITS = 40;
const LONGEST_WAIT_S = 60;

/** Where a file of an earlier visit continues. */
function stateOf({ file, from, options, error }: KeptUpload): UploadState {
  if (error) return "failed";
  if (!file && !from) return "lost";
  return options ? "waiting" : "chosen";
}

/** Files on their way to the server, from the moment they are chosen until there is a job. */
export const useUploads = defineStore("uploads", () => {
  const server = useServer();
  const facts = useFacts();
  const uploads = ref<PendingUpload[]>([]);
  const files = new Map<string, File>();
  const sendings = shallowReactive(new Map<string, Sending>());
  const arrived: ((upload: PendingUpload, job: Job) => void)[] = [];
  let lastAdded = 0;
  const paused = ref(false);
  /** The file just added again, until the page has shown it. */
  const newest = ref<string | null>(null);
  /** When to ask the server again; nothing is sent before. */
  let heldUntil = 0;

  const chosen = computed(() => uploads.value.filter((upload) => upload.state === "chosen"));
  /** How many are not sent yet. */
  const unsent = computed(
    () => uploads.value.filter(({ state }) => state === "waiting" || state === "sending").length,
  );
  const find = (key: string) => uploads.value.find((upload) => upload.key === key);

  async function keep(upload: PendingUpload): Promise<void> {
    const { key, name, bytes, kind, added, options, url, from, folder, error, hopeless } = upload;
    // A file that the server has is fetched again.
    const file = from ? null : (files.get(key) ?? null);
    const plain = options ? (JSON.parse(JSON.stringify(options)) as Partial<JobOptions>) : null;
    const record = {
      key,
      name,
      bytes,
      kind,
      added,
      options: plain,
      url,
      from,
      folder,
      error,
      hopeless,
      file,
    };
    await keepUpload({ ...record, thumbnail: upload.thumbnail });
  }

  async function picture(upload: PendingUpload, file: File): Promise<void> {
    const small = await thumbnail(file);
    if (!find(upload.key) || !small) return;
    upload.thumbnail = small.picture;
    facts.add(upload.key, { width: small.width, height: small.height });
    await keep(upload);
  }

  /** A file that the server would refuse is reported at once, before it is sent. */
  async function look(upload: PendingUpload, file: File): Promise<void> {
    const trouble = await facts.learn(upload.key, file);
    if (!trouble || upload.state !== "chosen") return;
    upload.state = "failed";
    upload.error = trouble.message;
    upload.hopeless = true;
    await keep(upload);
  }

  const fileOf = (key: string) => files.get(key) ?? null;

  type Fresh = Pick<
    PendingUpload,
    "name" | "bytes" | "kind" | "added" | "from" | "folder" | "thumbnail"
  >;

  function put(fresh: Fresh): PendingUpload {
    const key = crypto.getRandomValues(new Uint32Array(4)).join("-");
    const plain = { options: null, url: null, sent: 0, waits: 0, error: "", hopeless: false };
    const upload = reactive<PendingUpload>({ ...fresh, ...plain, key, state: "chosen" });
    uploads.value.push(upload);
    return upload;
  }

  /** Adds the source of a job, which the server has; what can be shown is fetched. */
  async function addAgain(job: Job): Promise<void> {
    const { id, name, kind, source } = job;
    const [file, thumbnail] = await Promise.all([
      kind === "image" || source.viewable
        ? api.fetchFile(api.previewUrl(id, "before"), name)
        : null,
      api.fetchFile(api.thumbnailUrl(id, "before"), name),
    ]);
    lastAdded = Math.max(Date.now(), lastAdded + 1);
    const told = { name, kind, bytes: source.bytes, added: lastAdded };
    const upload = put({ ...told, from: id, folder: source.folder ?? "", thumbnail });
    if (file) files.set(upload.key, file);
    const { width, height, frames, jpeg_step } = source;
    facts.add(upload.key, { kind, width, height, frames, jpeg_step, found: job.found });
    newest.value = upload.key;
    await keep(upload);
  }

  /** Adds files; one that was lost by a reload continues where it stopped. */
  function add(added: File[]): void {
    // Newest first; files that came together keep their order.
    lastAdded = Math.max(Date.now(), lastAdded + 1);
    for (const [place, file] of added.entries()) {
      const lost = uploads.value.find(
        (upload) =>
          upload.state === "lost" && upload.name === file.name && upload.bytes === file.size,
      );
      if (lost) {
        files.set(lost.key, file);
        lost.state = lost.options ? "waiting" : "chosen";
        continue;
      }
      const upload = put({
        name: file.name,
        bytes: file.size,
        kind: kindOf(file),
        added: lastAdded + 1 - (place + 1) / (added.length + 1),
        from: null,
        folder: folderOf(file),
        thumbnail: null,
      });
      files.set(upload.key, file);
      void keep(upload).then(() => picture(upload, file));
      void look(upload, file);
    }
    pump();
  }

  /** Sends every chosen file, with the choices for its kind. */
  function start(optionsFor: (kind: Kind) => Partial<JobOptions>): void {
    for (const upload of chosen.value) {
      upload.options = optionsFor(upload.kind);
      upload.state = "waiting";
      void keep(upload);
    }
    pump();
  }

  function pump(): void {
    if (paused.value || !server.ready || Date.now() < heldUntil) return;
    for (const upload of uploads.value) {
      const busy = uploads.value.filter(({ state }) => state === "sending" || state === "starting");
      if (busy.length >= AT_ONCE) return;
      if (upload.state !== "waiting") continue;
      const file = files.get(upload.key);
      if (upload.from) void begin(upload, { from_job: upload.from });
      else if (file) transfer(upload, file);
    }
  }

  function transfer(upload: PendingUpload, file: File): void {
    upload.state = "sending";
    const endpoint = server.settings?.tus_url ?? "";
    const sending = send(file, endpoint, upload.url, {
      located: (url) => {
        upload.url = url;
        void keep(upload);
      },
      progress: (sent) => {
        upload.sent = sent;
      },
      done: (url) => void begin(upload, { upload: url }),
      failed: (trouble) => {
        fail(upload, trouble);
      },
    });
    sendings.set(upload.key, sending);
  }

  async function begin(
    upload: PendingUpload,
    what: { upload: string } | { from_job: string },
  ): Promise<void> {
    upload.state = "starting";
    sendings.delete(upload.key);
    try {
      const options = upload.options ?? {};
      const { name, folder } = upload;
      const job = await api.create({ ...what, name, ...(folder ? { folder } : {}), options });
      for (const tell of arrived) tell(upload, job);
      drop(upload.key);
    } catch (error) {
      const trouble = troubleOf(error);
      // The server deletes a file it refuses; another try sends it again.
      if (!trouble.offline && trouble.retryAfterS === undefined) upload.url = null;
      fail(upload, trouble);
    }
    pump();
  }

  /** Whether to wait as the server asks: for the time it gave, and longer with each repetition. */
  function hold(upload: PendingUpload, { retryAfterS }: Trouble): boolean {
    if (retryAfterS === undefined || upload.waits >= MOST_WAITS) return false;
    upload.waits += 1;
    const seconds = Math.min(LONGEST_WAIT_S, Math.max(retryAfterS, 2 ** (upload.waits - 1)));
    heldUntil = Math.max(heldUntil, Date.now() + 1000 * seconds);
    // Timers can fire a little early, and nothing would call again.
    setTimeout(pump, heldUntil - Date.now() + 50);
    return true;
  }

  function fail(upload: PendingUpload, trouble: Trouble): void {
    sendings.delete(upload.key);
    // A file that only lost the server or its access continues automatically.
    const later = trouble.offline || trouble.code === "token_needed" || hold(upload, trouble);
    upload.state = later ? "waiting" : "failed";
    upload.error = later ? "" : trouble.message;
    upload.hopeless = !later && HOPELESS.has(trouble.code);
    if (!later) void keep(upload);
    if (trouble.offline) server.markOffline();
    pump();
  }

  function retry(key: string): void {
    const upload = find(key);
    if (upload?.state !== "failed") return;
    upload.error = "";
    upload.sent = 0;
    upload.waits = 0;
    upload.state = upload.from || files.has(key) ? "waiting" : "lost";
    void keep(upload);
    pump();
  }

  /** Stops sending; what has arrived stays on the server and can be continued. */
  function pause(on: boolean): void {
    paused.value = on;
    if (on) {
      for (const [key, sending] of sendings) {
        sending.pause();
        const upload = find(key);
        if (upload) upload.state = "waiting";
      }
      sendings.clear();
    }
    pump();
  }

  function drop(key: string): void {
    facts.forget(key);
    files.delete(key);
    sendings.delete(key);
    uploads.value = uploads.value.filter((upload) => upload.key !== key);
    void forgetUpload(key);
  }

  function remove(key: string): void {
    void sendings.get(key)?.abandon();
    drop(key);
    pump();
  }

  function removeAll(keys: string[]): void {
    const gone = new Set(keys);
    for (const key of keys) void sendings.get(key)?.abandon();
    for (const key of keys) {
      facts.forget(key);
      files.delete(key);
      sendings.delete(key);
      void forgetUpload(key);
    }
    uploads.value = uploads.value.filter(({ key }) => !gone.has(key));
    pump();
  }

  /** Fetches what is shown of a file on the server; it is gone if the job is. */
  async function fetchAgain({ key }: PendingUpload, from: string): Promise<void> {
    try {
      const job = await api.get(from);
      drop(key);
      await addAgain(job);
    } catch (error) {
      if (!troubleOf(error).offline) drop(key);
    }
  }

  /** Restores what an earlier visit left. */
  async function recall(): Promise<void> {
    for (const kept of await keptUploads()) {
      if (find(kept.key)) continue;
      if (kept.file) files.set(kept.key, kept.file);
      const state = stateOf(kept);
      const { file: _, ...record } = kept;
      uploads.value.push({
        ...record,
        from: record.from ?? null,
        folder: record.folder ?? "",
        state,
        sent: 0,
        waits: 0,
      });
      const upload = find(kept.key);
      if (!upload || state !== "chosen") continue;
      if (upload.from) void fetchAgain(upload, upload.from);
      if (!kept.file) continue;
      void picture(upload, kept.file);
      void look(upload, kept.file);
    }
    pump();
  }

  function onArrived(tell: (upload: PendingUpload, job: Job) => void): void {
    arrived.push(tell);
  }

  return {
    uploads,
    chosen,
    unsent,
    paused,
    newest,
    add,
    addAgain,
    start,
    pump,
    pause,
    retry,
    remove,
    removeAll,
    recall,
    fileOf,
    onArrived,
  };
});
