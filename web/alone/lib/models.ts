/** Where the networks are: the files that ship with Crispen, by name. */

const files = import.meta.glob<string>(
  "../../../src/crispen/models/shipped/{photo-fast,photo,real,vivid}-x*.onnx",
  { query: "?url", import: "default", eager: true },
);

export const MODELS: Partial<Record<string, string>> = Object.fromEntries(
  Object.entries(files).map(([path, address]) => [/([^/]+)\.onnx$/.exec(path)?.[1], address]),
);
