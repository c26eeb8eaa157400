/// <reference lib="webworker" />
/**
 * The service worker: the page opens without a network, and takes what other apps share with it.
 * Nothing of the API passes through it.
 */
import { keepShared } from "./lib/shared";

declare const self: ServiceWorkerGlobalScope;

/** Written in when the page is built: its files, and a digest of them. */
declare const __PRECACHE__: { version: string; files: string[] };

const { version, files } = __PRECACHE__;
const CACHE = `crispen-${version}`;
const root = (): string => self.registration.scope;

self.addEventListener("install", (event) => {
  const fill = async () => {
    const cache = await caches.open(CACHE);
    await cache.addAll(
      ["", ...files].map((file) => new Request(root() + file, { cache: "reload" })),
    );
    await self.skipWaiting();
  };
  event.waitUntil(fill());
});

self.addEventListener("activate", (event) => {
  const clear = async () => {
    const names = await caches.keys();
    const old = names.filter((name) => name.startsWith("crispen-") && name !== CACHE);
    await Promise.all(old.map((name) => caches.delete(name)));
    await self.clients.claim();
  };
  event.waitUntil(clear());
});

/** The network's copy, or else the cached one. */
async function fresh(request: Request, otherwise: string): Promise<Response> {
  try {
    return await fetch(request);
  } catch (error) {
    const kept = await caches.match(otherwise, { cacheName: CACHE });
    if (kept) return kept;
    throw error;
  }
}

/** The cached copy, since a file of this name never changes. */
async function kept(request: Request): Promise<Response> {
  return (await caches.match(request, { cacheName: CACHE })) ?? fetch(request);
}

async function shared(request: Request): Promise<Response> {
  const form = await request.formData();
  await keepShared(form.getAll("files").filter((one) => one instanceof File));
  return Response.redirect(`${root()}?shared`, 303);
}

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  const scope = new URL(root());
  if (origin !== scope.origin || !pathname.startsWith(scope.pathname)) return;
  const path = pathname.slice(scope.pathname.length);
  if (request.method === "POST" && path === "share") event.respondWith(shared(request));
  else if (request.method !== "GET" || path.startsWith("api/") || path.startsWith("docs")) return;
  else if (path.startsWith("assets/")) event.respondWith(kept(request));
  else if (request.mode === "navigate") event.respondWith(fresh(request, root()));
  else if (files.includes(path)) event.respondWith(fresh(request, root() + path));
});

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  const show = async () => {
    const [page] = await self.clients.matchAll({ type: "window" });
    await (page ? page.focus() : self.clients.openWindow(root()));
  };
  event.waitUntil(show());
});
