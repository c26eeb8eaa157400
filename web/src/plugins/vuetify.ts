import { aliases, mdi } from "vuetify/iconsets/mdi-svg";
import { createVuetify } from "vuetify";
import type { App } from "vue";

/** What Vuetify needs of a page's head to write its theme; see `provideHead`. */
interface ThemeHead {
  style: { textContent: string }[];
}

/**
 * Gives Vuetify a place for its theme that a strict content security policy allows.
 *
 * By default it adds a `<style>` element, which `style-src 'self'` forbids. It leaves that to a
 * head manager if one is provided; this one puts the same text into a constructed style sheet.
 */
export function provideHead(app: App): void {
  const sheet = new CSSStyleSheet();
  document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
  const write = (head: () => ThemeHead): void =>
    sheet.replaceSync(
      head()
        .style.map((style) => style.textContent)
        .join("\n"),
    );
  app.provide("usehead", {
    push(head: () => ThemeHead) {
      write(head);
      return { patch: write };
    },
  });
}

export function makeVuetify() {
  return createVuetify({
    icons: { defaultSet: "mdi", aliases, sets: { mdi } },
    theme: {
      defaultTheme: "system",
      utilities: true,
      themes: {
        light: {
          dark: false,
          colors: {
            background: "#f7f7f6",
            surface: "#ffffff",
            // Behind pictures: a grey without colour.
            stage: "#e7e7e6",
            "surface-variant": "#3f3f46",
            "on-surface-variant": "#fafafa",
            "on-background": "#18181b",
            "on-surface": "#18181b",
            primary: "#a84b06",
            secondary: "#52525b",
            success: "#15803d",
            warning: "#a16207",
            error: "#b91c1c",
            info: "#0369a1",
          },
          variables: {
            "border-color": "#18181b",
            "border-opacity": 0.12,
            "high-emphasis-opacity": 0.92,
            "medium-emphasis-opacity": 0.7,
            "disabled-opacity": 0.45,
          },
        },
        dark: {
          dark: true,
          colors: {
            background: "#131316",
            surface: "#1d1d21",
            stage: "#0a0a0b",
            "surface-variant": "#d4d4d8",
            "on-surface-variant": "#18181b",
            "on-background": "#f4f4f5",
            "on-surface": "#f4f4f5",
            primary: "#fbbf24",
            "on-primary": "#1c1917",
            secondary: "#a1a1aa",
            success: "#4ade80",
            warning: "#facc15",
            error: "#f87171",
            "on-error": "#1c1917",
            info: "#38bdf8",
          },
          variables: {
            "border-color": "#ffffff",
            "border-opacity": 0.14,
            "high-emphasis-opacity": 0.94,
            "medium-emphasis-opacity": 0.72,
            "disabled-opacity": 0.5,
          },
        },
      },
    },
    defaults: {
      VBtn: { rounded: "lg", variant: "text" },
      VCard: { rounded: "xl", flat: true, border: true },
      VTextField: {
        color: "primary",
        variant: "outlined",
        density: "comfortable",
        hideDetails: "auto",
      },
      VSelect: {
        color: "primary",
        variant: "outlined",
        density: "comfortable",
        hideDetails: "auto",
      },
      VSwitch: { color: "primary", density: "comfortable", hideDetails: true, inset: true },
      VSlider: { color: "primary", hideDetails: true },
      VAlert: { variant: "tonal", rounded: "lg", density: "comfortable" },
      VProgressLinear: { color: "primary", rounded: true, height: 6 },
      VTooltip: { location: "top", openDelay: 400 },
    },
  });
}
