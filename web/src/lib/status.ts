/** What a line of the queue says about itself. */

import { capitalized, dimensions, ordinal, percent, rate, timeLeft } from "@/lib/format";
import type { Item } from "@/stores/queue";

export type Tone = "calm" | "active" | "good" | "bad";

export interface ItemStatus {
  tone: Tone;
  /** One short line. */
  text: string;
  /** More numbers beside it; "" where there are none. */
  detail: string;
  /** In percent; null if unknown, undefined if nothing is going on. */
  progress?: number | null;
}

function ofUpload(upload: NonNullable<Item["upload"]>): ItemStatus {
  switch (upload.state) {
    case "sending": {
      const share = percent(upload.sent, upload.bytes);
      if (share === 100) return { tone: "active", text: "Sent", detail: "", progress: null };
      return { tone: "active", text: `Sending ${share.toString()} %`, detail: "", progress: share };
    }
    case "starting":
      return { tone: "active", text: "Looking at the file", detail: "", progress: null };
    case "lost":
      return {
        tone: "bad",
        text: "Choose this file again to continue where it stopped.",
        detail: "",
      };
    case "failed":
      return { tone: "bad", text: upload.error, detail: "" };
    default:
      return upload.waits > 0
        ? { tone: "calm", text: "The server is busy", detail: "continues automatically" }
        : { tone: "calm", text: "Waiting to be sent", detail: "" };
  }
}

function ofJob(job: NonNullable<Item["job"]>): ItemStatus {
  switch (job.status) {
    case "queued": {
      const place = job.position ?? 0;
      const text = place > 1 ? `Waiting, ${ordinal(place)} in line` : "Next in line";
      return { tone: "calm", text, detail: "" };
    }
    case "paused":
      return { tone: "calm", text: "Paused", detail: "" };
    case "running": {
      const now = job.progress;
      if (!now?.total) return { tone: "active", text: "Starting", detail: "", progress: null };
      const share = percent(now.done, now.total);
      const parts = [
        now.rate > 0 ? rate(now.rate, now.unit) : "",
        now.left_s == null ? "" : timeLeft(now.left_s),
      ];
      return {
        tone: "active",
        text: `Enhancing ${share.toString()} %`,
        detail: parts.filter(Boolean).join(" · "),
        progress: share,
      };
    }
    case "done": {
      const to = dimensions(job.result?.width, job.result?.height);
      return { tone: "good", text: "Done", detail: to };
    }
    case "failed":
      return { tone: "bad", text: job.error ?? "It failed; try again.", detail: "" };
    case "cancelled":
      return { tone: "calm", text: "Cancelled", detail: "" };
  }
}

export function statusOf(item: Item): ItemStatus {
  const status = item.upload ? ofUpload(item.upload) : item.job ? ofJob(item.job) : null;
  if (!status) return { tone: "calm", text: "", detail: "" };
  // The server's messages begin with the name, which is right above them.
  const name = `${item.job?.name ?? item.upload?.name ?? ""}: `;
  const text = status.text.startsWith(name) ? status.text.slice(name.length) : status.text;
  return { ...status, text: capitalized(text) };
}
