import { defineConfigWithVueTs, vueTsConfigs } from "@vue/eslint-config-typescript";
import prettier from "eslint-config-prettier/flat";
import vue from "eslint-plugin-vue";
import accessibility from "eslint-plugin-vuejs-accessibility";

export default defineConfigWithVueTs(
  { ignores: ["node_modules/**", "src/api/schema.ts", "kernel/**"] },
  vue.configs["flat/recommended"],
  vueTsConfigs.strict,
  accessibility.configs["flat/recommended"],
  {
    rules: {
      // Only where a dialog opens that has one field.
      "vuejs-accessibility/no-autofocus": "off",
      "@typescript-eslint/no-unused-vars": ["error", { ignoreRestSiblings: true }],
      "vue/block-lang": ["error", { script: { lang: "ts" } }],
      "vue/block-order": ["error", { order: ["script", "template", "style"] }],
      "vue/component-api-style": ["error", ["script-setup"]],
      "vue/no-static-inline-styles": "error", // the content security policy drops them
      "vue/no-undef-components": ["error", { ignorePatterns: ["RouterLink", "RouterView"] }],
      "vue/no-v-html": "error",
      // Fields are Vuetify's own, which ties label and input together itself.
      "vuejs-accessibility/label-has-for": ["error", { required: { some: ["nesting", "id"] } }],
    },
  },
  prettier,
);
