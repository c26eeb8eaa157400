import { createRouter, createWebHistory } from "vue-router";

import { ROOT } from "@/api/client";
import EnhanceView from "@/views/EnhanceView.vue";

declare module "vue-router" {
  interface RouteMeta {
    title: string;
  }
}

export const router = createRouter({
  history: createWebHistory(`${ROOT}/`),
  routes: [
    { path: "/", name: "enhance", component: EnhanceView, meta: { title: "Enhance" } },
    {
      path: "/compare/:id",
      name: "compare",
      component: () => import("@/views/CompareView.vue"),
      props: true,
      meta: { title: "Compare" },
    },
    {
      path: "/models",
      name: "models",
      component: () => import("@/views/ModelsView.vue"),
      meta: { title: "Models" },
    },
    {
      path: "/runs",
      name: "runs",
      component: () => import("@/views/RunsView.vue"),
      meta: { title: "Training runs" },
    },
    {
      path: "/runs/:id(.*)",
      name: "run",
      component: () => import("@/views/RunView.vue"),
      props: true,
      meta: { title: "Training run" },
    },
    {
      path: "/:rest(.*)*",
      name: "nowhere",
      component: () => import("@/views/NowhereView.vue"),
      meta: { title: "Not found" },
    },
  ],
  scrollBehavior: (_to, _from, saved) => saved ?? { top: 0 },
});
