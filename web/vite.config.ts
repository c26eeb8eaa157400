import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

import vue from "@vitejs/plugin-vue";
import { build, defineConfig, type Plugin } from "vite";

/** Where `npm run dev` finds the API: a `crispen serve` started beside it. */
const SERVER = process.env.CRISPEN_SERVER ?? "http://127.0.0.1:8000";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/**
 * Builds a service worker for the files that a page consists of.
 *
 * @param entry Its source.
 * @param folder Further files of the page lie there; null where there are none.
 * @param kept Which files it keeps from the beginning.
 */
export function serviceWorker(
  entry: string,
  folder: string | null,
  kept: (file: string) => boolean = () => true,
): Plugin {
  return {
    name: "service-worker",
    apply: "build",
    async writeBundle({ dir }, bundle) {
      const made = Object.keys(bundle).filter((name) => name !== "index.html");
      const plain = folder === null ? [] : readdirSync(folder);
      const all = [...made, ...plain].sort();
      const digest = createHash("sha256");
      for (const file of ["index.html", ...all])
        digest.update(readFileSync(`${dir ?? ""}/${file}`));
      const version = digest.digest("hex").slice(0, 16);
      const files = all.filter(kept);
      await build({
        configFile: false,
        publicDir: false,
        logLevel: "warn",
        define: { __PRECACHE__: JSON.stringify({ version, files }) },
        build: {
          outDir: dir ?? "",
          emptyOutDir: false,
          target: "es2022",
          lib: { entry, formats: ["iife"], name: "sw", fileName: () => "sw.js" },
        },
      });
    },
  };
}

export default defineConfig({
  plugins: [vue(), serviceWorker(here("./src/sw.ts"), here("./public"))],
  resolve: { alias: { "@": fileURLToPath(new URL("./src", import.meta.url)) } },
  // Scripts find each other wherever a proxy shows the page; index.html is adapted by the server.
  experimental: {
    renderBuiltUrl: (file, { hostType }) => (hostType === "html" ? `/${file}` : { relative: true }),
  },
  define: { __VUE_OPTIONS_API__: false, __VUE_PROD_DEVTOOLS__: false },
  build: {
    outDir: process.env.CRISPEN_PAGE ?? "../src/crispen/server/page",
    emptyOutDir: true,
    target: "es2022",
    // An inlined asset would be a data: address, which the policy of the page forbids for scripts.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  server: { proxy: { "/api": SERVER, "/docs": SERVER, "/openapi.json": SERVER } },
});
