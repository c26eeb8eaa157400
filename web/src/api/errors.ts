import axios from "axios";

/** What went wrong, in words for a person, and whether an automatic retry may help. */
export interface Trouble {
  code: string;
  message: string;
  /** The value at fault, if it is one value. */
  field?: string | null;
  /** The request never reached the server, or the server could not be reached. */
  offline: boolean;
  /** Seconds after which to ask the server again, if it said so. */
  retryAfterS?: number;
}

interface ErrorBody {
  error: Pick<Trouble, "code" | "message" | "field">;
}

function isErrorBody(body: unknown): body is ErrorBody {
  if (typeof body !== "object" || body === null || !("error" in body)) return false;
  const { error } = body;
  return typeof error === "object" && error !== null && "message" in error && "code" in error;
}

/** The Retry-After header of a 429: our server gives seconds, a proxy may give a date. */
function waitOf(status: number, header: unknown): Pick<Trouble, "retryAfterS"> {
  if (status !== 429) return {};
  const seconds = Number(header);
  return { retryAfterS: seconds > 0 ? seconds : 1 };
}

/** The server's error body, wherever a library puts it; otherwise the best text there is. */
export function troubleOf(error: unknown): Trouble {
  if (axios.isAxiosError(error)) {
    const body: unknown = error.response?.data;
    if (error.response && isErrorBody(body)) {
      const { status, headers } = error.response;
      return { ...body.error, offline: false, ...waitOf(status, headers["retry-after"]) };
    }
    if (!error.response) return offline();
    return {
      code: `http_${error.response.status.toString()}`,
      message: `The server answered ${error.response.status.toString()}; try again, and check its log if this persists.`,
      // A proxy whose server is down.
      offline: [502, 503, 504].includes(error.response.status),
      ...waitOf(error.response.status, error.response.headers["retry-after"]),
    };
  }
  return {
    code: "unexpected",
    message: error instanceof Error ? error.message : String(error),
    offline: false,
  };
}

export function offline(): Trouble {
  return {
    code: "offline",
    message: "The server cannot be reached; check that 'crispen serve' is running.",
    offline: true,
  };
}

/** The error body in a response's text, for libraries that pass on only the text. */
export function troubleOfText(status: number, text: string, retryAfter?: string): Trouble {
  const wait = waitOf(status, retryAfter);
  try {
    const body: unknown = JSON.parse(text);
    if (isErrorBody(body)) return { ...body.error, offline: false, ...wait };
  } catch {
    // Not JSON: a proxy's page, or nothing.
  }
  if (status === 0) return offline();
  const plain = text.length > 0 && text.length < 200 && !text.includes("<") ? text : "";
  return {
    code: `http_${status.toString()}`,
    message: plain || `The server answered ${status.toString()}; try again.`,
    offline: [502, 503, 504].includes(status),
    ...wait,
  };
}
