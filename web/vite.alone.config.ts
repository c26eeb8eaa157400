/** Crispen in the browser alone: files that any static host can serve, in any folder. */

import { fileURLToPath } from "node:url";

import vue from "@vitejs/plugin-vue";
import { defineConfig } from "vite";

import { serviceWorker } from "./vite.config.ts";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** Large, and needed by few: kept when they are first used. */
const RARE = /asyncify|vivid/;

export default defineConfig({
  root: here("./alone"),
  base: "./",
  publicDir: false,
  plugins: [vue(), serviceWorker(here("./alone/sw.ts"), null, (file) => !RARE.test(file))],
  resolve: {
    alias: { "@": here("./src") },
    // The runtime's own files stay apart, so that its threads can load them.
    conditions: ["onnxruntime-web-use-extern-wasm", "module", "browser", "production"],
  },
  define: { __VUE_OPTIONS_API__: false, __VUE_PROD_DEVTOOLS__: false },
  worker: { format: "es" },
  build: {
    outDir: process.env.CRISPEN_APP ?? "../../build/site-app",
    emptyOutDir: true,
    target: "es2022",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // ONNX Runtime's glue; nothing of ours comes near.
    chunkSizeWarningLimit: 600,
  },
  server: { fs: { allow: [here("..")] } },
});
