import "vuetify/styles/layers";
import "vuetify/styles/core";
import "./styles/main.css";

import { createPinia } from "pinia";
import { createApp } from "vue";

import App from "./App.vue";
import { install } from "./lib/install";
import { makeVuetify, provideHead } from "./plugins/vuetify";
import { router } from "./router";

const app = createApp(App);
provideHead(app);
app.use(createPinia()).use(router).use(makeVuetify()).mount("#app");
install();
