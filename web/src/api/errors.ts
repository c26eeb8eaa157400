import axios from "axios";

/** What went wrong, in words for a person, and whether trying again by itself may help. */
export interface Trouble {
  code: string;
  message: string;
  /** The request never reached the server, or the server could not be reached. */
  offline: boolean;
}

interface ErrorBody {
  error: { code: string; message: string };
}

function isErrorBody(body: unknown): body is ErrorBody {
  if (typeof body !== "object" || body === null || !("error" in body)) return false;
  const { error } = body;
  return typeof error === "object" && error !== null && "message" in error && "code" in error;
}

/** The server's error body, wherever a library hides it; else the best there is to say. */
export function troubleOf(error: unknown): Trouble {
  if (axios.isAxiosError(error)) {
    const body: unknown = error.response?.data;
    if (isErrorBody(body)) return { ...body.error, offline: false };
    if (!error.response) return offline();
    return {
      code: `http_${error.response.status.toString()}`,
      message: `The server answered ${error.response.status.toString()}; try again, and look at its log if it stays so.`,
      // A proxy in front of a server that is away.
      offline: [502, 503, 504].includes(error.response.status),
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

/** The error body in the text of an answer, for libraries that hand over the text alone. */
export function troubleOfText(status: number, text: string): Trouble {
  try {
    const body: unknown = JSON.parse(text);
    if (isErrorBody(body)) return { ...body.error, offline: false };
  } catch {
    // Not JSON: a proxy's page, or nothing.
  }
  if (status === 0) return offline();
  const plain = text.length > 0 && text.length < 200 && !text.includes("<") ? text : "";
  return {
    code: `http_${status.toString()}`,
    message: plain || `The server answered ${status.toString()}; try again.`,
    offline: [502, 503, 504].includes(status),
  };
}
