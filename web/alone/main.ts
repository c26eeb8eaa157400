import "vuetify/styles/layers";
import "vuetify/styles/core";
import "@/styles/main.css";

import { createApp } from "vue";

import { guardPage } from "@/lib/filedrop";
import { makeVuetify, provideHead } from "@/plugins/vuetify";

import AloneApp from "./AloneApp.vue";

const app = createApp(AloneApp);
provideHead(app);
app.use(makeVuetify()).mount("#app");
guardPage();
