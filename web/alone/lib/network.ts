/**
 * One network: on the graphics card where there is one, else on all cores.
 *
 * ONNX Runtime runs it, in fp32. Plain stacks that see luma run in 8 bits in a kernel of our own on
 * processors, as Crispen's server has them there: five times as fast as ONNX Runtime's convolutions,
 * which know fp32 best.
 */

import type * as Runtime from "onnxruntime-web/wasm";
import type { InferenceSession } from "onnxruntime-web/wasm";

import { readCard, withDials, withResidualOutput, type Card, type Dials } from "./card";
import { layersOf } from "./stack";
import { openStack } from "./stackpool";

export interface Network {
  card: Card;
  /** How many windows it works on at once. */
  lanes: number;
  /** `(C * scale², rows, columns)` of an input `(1, C, rows, columns)` in [0, 1]. */
  answer: (
    x: Float32Array<ArrayBuffer>,
    rows: number,
    columns: number,
  ) => Promise<Float32Array<ArrayBuffer>>;
  close: () => Promise<void>;
}

/** Where a network runs: "webgpu", or "wasm" and on how many threads. */
export interface Device {
  provider: "webgpu" | "wasm";
  /** Of ONNX Runtime: one where the page is not isolated. */
  threads: number;
  /** Workers, which need no isolation. */
  cores: number;
}

/** As much of WebGPU as has to be asked. */
interface Graphics {
  requestAdapter: () => Promise<{ info: { isFallbackAdapter?: boolean } } | null>;
}

const MOST_THREADS = 16;

/** The best that this browser has; a graphics card that is only imitated is slower than none. */
export async function bestDevice(): Promise<Device> {
  const cores = Math.min(MOST_THREADS, navigator.hardwareConcurrency || 1);
  const threads = self.crossOriginIsolated ? cores : 1;
  try {
    const adapter = await (navigator as { gpu?: Graphics }).gpu?.requestAdapter();
    if (adapter && !adapter.info.isFallbackAdapter) return { provider: "webgpu", threads, cores };
  } catch {
    // As good as none.
  }
  return { provider: "wasm", threads, cores };
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
  const layers = device.provider === "wasm" ? layersOf(model) : null;
  if (layers) return openStack(card, layers, device.cores);
  const ort = await runtime(device);
  const set = card.dials ? withDials(model, dials) : model;
  const session: InferenceSession = await ort.InferenceSession.create(withResidualOutput(set), {
    executionProviders: [device.provider],
  });
  const channels = card.color === "luma" ? 1 : 3;
  const [input = "input"] = session.inputNames;
  return {
    card,
    lanes: 1,
    answer: async (x, rows, columns) => {
      const tensor = new ort.Tensor("float32", x, [1, channels, rows, columns]);
      const { residual } = await session.run({ [input]: tensor }, ["residual"]);
      if (!residual) throw new Error(`${card.name} gave no answer`);
      const answer = (await residual.getData(true)) as Float32Array<ArrayBuffer>;
      residual.dispose();
      return answer;
    },
    close: () => session.release(),
  };
}
