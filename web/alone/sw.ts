/// <reference lib="webworker" />
/**
 * The service worker of the page without a server: it opens without a network, and every answer has
 * the two headers that threads need and that few static hosts can send.
 */
declare const self: ServiceWorkerGlobalScope;

/** Written in when the page is built: its files, and a digest of them. */
declare const __PRECACHE__: { version: string; files: string[] };

const { version, files } = __PRECACHE__;
/** Other pages of the same host keep theirs apart. */
const OURS = `crispen-alone:${self.registration.scope}`;
const CACHE = `${OURS}:${version}`;

const whole = (file: string): string => self.registration.scope + file;

self.addEventListener("install", (event) => {
  const fill = async () => {
    const cache = await caches.open(CACHE);
    const page = ["", ...files.filter((file) => /\.(js|css|svg)$/.test(file))].map(whole);
    await cache.addAll(page.map((file) => new Request(file, { cache: "reload" })));
    await self.skipWaiting();
  };
  event.waitUntil(fill());
});

/** The rest is large, and is kept while a person chooses a picture; see `lib/isolate`. */
self.addEventListener("message", (event) => {
  const keep = async () => {
    const cache = await caches.open(CACHE);
    const kept = new Set((await cache.keys()).map(({ url }) => url));
    await cache.addAll(files.map(whole).filter((file) => !kept.has(file)));
  };
  event.waitUntil(keep());
});

self.addEventListener("activate", (event) => {
  const clear = async () => {
    const names = await caches.keys();
    const old = names.filter((name) => name.startsWith(`${OURS}:`) && name !== CACHE);
    await Promise.all(old.map((name) => caches.delete(name)));
    await self.clients.claim();
  };
  event.waitUntil(clear());
});

/** See https://web.dev/articles/cross-origin-isolation-guide. */
function isolated(answer: Response): Response {
  if (answer.type === "opaque" || answer.type === "opaqueredirect") return answer;
  const headers = new Headers(answer.headers);
  headers.set("Cross-Origin-Opener-Policy", "same-origin");
  headers.set("Cross-Origin-Embedder-Policy", "require-corp");
  const { status, statusText } = answer;
  return new Response(answer.body, { status, statusText, headers });
}

/** Names in `assets/` say what is inside, so what was kept is as good as new. */
async function find(request: Request): Promise<Response> {
  const cache = await caches.open(CACHE);
  const page = request.mode === "navigate";
  const known = await cache.match(page ? self.registration.scope : request);
  if (known && !page) return known;
  try {
    const answer = await fetch(request);
    if (answer.ok && !page) await cache.put(request, answer.clone());
    return answer;
  } catch (error) {
    if (known) return known;
    throw error;
  }
}

self.addEventListener("fetch", (event) => {
  const { request } = event;
  if (request.method !== "GET" || !request.url.startsWith(self.registration.scope)) return;
  event.respondWith(find(request).then(isolated));
});
