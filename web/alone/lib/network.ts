/** One network, run by ONNX Runtime: on the graphics card where there is one, else on all cores. */

import type * as Runtime from "onnxruntime-web/wasm";
import type { InferenceSession } from "onnxruntime-web/wasm";

import { readCard, withDials, withResidualOutput, type Card, type Dials } from "./card";

export interface Network {
  card: Card;
  /** `(C * scale², rows, columns)` of an input `(1, C, rows, columns)` in [0, 1]. */
  answer: (x: Float32Array, rows: number, columns: number) => Promise<Float32Array>;
  close: () => Promise<void>;
}

/** Where a network runs: "webgpu", or "wasm" and on how many threads. */
export interface Device {
  provider: "webgpu" | "wasm";
  threads: number;
}

/** As much of WebGPU as has to be asked. */
interface Graphics {
  requestAdapter: () => Promise<{ info: { isFallbackAdapter?: boolean } } | null>;
}

const MOST_THREADS = 16;

/** The best that this browser has; a graphics card that is only imitated is slower than none. */
export async function bestDevice(): Promise<Device> {
  const threads = self.crossOriginIsolated
    ? Math.min(MOST_THREADS, navigator.hardwareConcurrency || 1)
    : 1;
  try {
    const adapter = await (navigator as { gpu?: Graphics }).gpu?.requestAdapter();
    if (adapter && !adapter.info.isFallbackAdapter) return { provider: "webgpu", threads };
  } catch {
    // As good as none.
  }
  return { provider: "wasm", threads };
}

/** The runtime and its files come with the app; nothing is fetched from elsewhere. */
async function runtime({ provider, threads }: Device): Promise<typeof Runtime> {
  const [ort, mjs, wasm] =
    provider === "webgpu"
      ? await Promise.all([
          import("onnxruntime-web/webgpu"),
          import("onnxruntime-web/ort-wasm-simd-threaded.asyncify.mjs?url"),
          import("onnxruntime-web/ort-wasm-simd-threaded.asyncify.wasm?url"),
        ])
      : await Promise.all([
          import("onnxruntime-web/wasm"),
          import("onnxruntime-web/ort-wasm-simd-threaded.mjs?url"),
          import("onnxruntime-web/ort-wasm-simd-threaded.wasm?url"),
        ]);
  const here = (path: string) => new URL(path, self.location.href).href;
  ort.env.wasm.wasmPaths = { mjs: here(mjs.default), wasm: here(wasm.default) };
  ort.env.wasm.numThreads = threads;
  ort.env.logLevel = "error";
  return ort;
}

/**
 * Opens a network.
 *
 * @param model An ONNX file of Crispen's.
 */
export async function openNetwork(
  model: Uint8Array,
  dials: Dials,
  device: Device,
): Promise<Network> {
  const card = readCard(model);
  const ort = await runtime(device);
  const set = card.dials ? withDials(model, dials) : model;
  const session: InferenceSession = await ort.InferenceSession.create(withResidualOutput(set), {
    executionProviders: [device.provider],
  });
  const channels = card.color === "luma" ? 1 : 3;
  const [input = "input"] = session.inputNames;
  return {
    card,
    answer: async (x, rows, columns) => {
      const tensor = new ort.Tensor("float32", x, [1, channels, rows, columns]);
      const { residual } = await session.run({ [input]: tensor }, ["residual"]);
      if (!residual) throw new Error(`${card.name} gave no answer`);
      const answer = (await residual.getData(true)) as Float32Array;
      residual.dispose();
      return answer;
    },
    close: () => session.release(),
  };
}
