import { BASE } from "./client";

export interface EventHandlers {
  /** The stream broke; it reopens automatically, and the server then sends everything first. */
  broken: () => void;
  /** By name of the event; data is the JSON of its body. */
  on: Record<string, (data: unknown) => void>;
}

const FIRST_WAIT_MS = 1000;
const LONGEST_WAIT_MS = 15_000;

/**
 * Listens to server-sent events until the returned function is called.
 *
 * A browser's own EventSource gives up for good when the server answers with an error, such as
 * that of a proxy while the server restarts; this one keeps trying, less and less often.
 */
export function subscribe(path: string, handlers: EventHandlers): () => void {
  let source: EventSource | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let wait = FIRST_WAIT_MS;

  const connect = () => {
    source = new EventSource(BASE + path);
    source.onopen = () => {
      wait = FIRST_WAIT_MS;
    };
    source.onerror = () => {
      source?.close();
      handlers.broken();
      timer = setTimeout(connect, wait);
      wait = Math.min(2 * wait, LONGEST_WAIT_MS);
    };
    for (const [name, handle] of Object.entries(handlers.on)) {
      source.addEventListener(name, (event: MessageEvent<string>) => {
        handle(JSON.parse(event.data));
      });
    }
  };
  connect();
  return () => {
    clearTimeout(timer);
    source?.close();
  };
}
