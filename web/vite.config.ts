import { fileURLToPath } from "node:url";

import vue from "@vitejs/plugin-vue";
import { defineConfig } from "vite";

/** Where `npm run dev` finds the API: a `crispen serve` started beside it. */
const SERVER = process.env.CRISPEN_SERVER ?? "http://127.0.0.1:8000";

export default defineConfig({
  plugins: [vue()],
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
