/** One core's share of the windows: a kernel with one network in its memory. */

import { Stack, type Layer } from "../lib/stack";

export interface Begin {
  module: WebAssembly.Module;
  layers: Layer[];
}

export interface Window {
  x: Float32Array<ArrayBuffer>;
  rows: number;
  columns: number;
}

export type Answer = { residual: Float32Array<ArrayBuffer> } | { problem: string };

declare const self: DedicatedWorkerGlobalScope;

let stack: Promise<Stack> | null = null;

self.onmessage = async ({ data }: MessageEvent<Begin | Window>) => {
  if ("module" in data) {
    stack = Stack.open(data.module, data.layers);
    return;
  }
  let answer: Answer;
  try {
    if (!stack) throw new Error("no network was given");
    answer = { residual: (await stack).run(data.x, data.rows, data.columns) };
  } catch (error) {
    answer = { problem: error instanceof Error ? error.message : String(error) };
  }
  self.postMessage(answer, "residual" in answer ? [answer.residual.buffer] : []);
};
