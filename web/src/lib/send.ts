import { DetailedError, Upload, type UploadOptions } from "tus-js-client";

import { offline, troubleOf, troubleOfText, type Trouble } from "@/api/errors";

export interface Sending {
  /** Stops; what has arrived stays on the server, so that it can continue later. */
  pause: () => void;
  /** Stops, and lets the server delete what has arrived. */
  abandon: () => Promise<void>;
}

export interface SendHandlers {
  located: (url: string) => void;
  progress: (sent: number) => void;
  done: (url: string) => void;
  failed: (trouble: Trouble) => void;
}

function troubleOfSending(error: Error | DetailedError): Trouble {
  if (!(error instanceof DetailedError)) return troubleOf(error);
  const answer = error.originalResponse;
  return answer
    ? troubleOfText(answer.getStatus(), answer.getBody(), answer.getHeader("Retry-After"))
    : offline();
}

/** Sends a file so that it can be resumed after an interruption (tus 1.0). */
export function send(
  file: File,
  endpoint: string,
  resumeAt: string | null,
  handlers: SendHandlers,
): Sending {
  const options: UploadOptions = {
    endpoint,
    ...(resumeAt ? { uploadUrl: resumeAt } : {}),
    metadata: { filename: file.name, filetype: file.type },
    retryDelays: [500, 2000, 5000],
    // The page remembers the address itself, together with the file and the choices.
    storeFingerprintForResuming: false,
    onUploadUrlAvailable: () => {
      if (upload.url) handlers.located(upload.url);
    },
    onProgress: (sent) => {
      handlers.progress(sent);
    },
    onSuccess: () => {
      handlers.done(upload.url ?? "");
    },
    onError: (error) => {
      handlers.failed(troubleOfSending(error));
    },
  };
  const upload = new Upload(file, options);
  upload.start();
  return {
    pause: () => void upload.abort(),
    abandon: async () => {
      try {
        await upload.abort(true);
      } catch {
        // The server deletes unfinished uploads automatically after a while.
      }
    },
  };
}
