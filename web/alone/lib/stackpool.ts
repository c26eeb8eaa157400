/** A plain stack on all cores: each worker runs windows of its own, so nothing is shared. */

import type { Answer, Begin, Window } from "../workers/stack";
import type { Card } from "./card";
import type { Network } from "./network";
import type { Layer } from "./stack";

export async function openStack(card: Card, layers: Layer[], lanes: number): Promise<Network> {
  const { default: address } = await import("../stack.wasm?url");
  const answer = await fetch(new URL(address, self.location.href));
  const module = await WebAssembly.compile(await answer.arrayBuffer());
  const idle = Array.from({ length: lanes }, () => {
    const worker = new Worker(new URL("../workers/stack.ts", import.meta.url), { type: "module" });
    const begin: Begin = { module, layers };
    worker.postMessage(begin);
    return worker;
  });
  const all = [...idle];
  return {
    card,
    lanes,
    answer: (x, rows, columns) =>
      new Promise((resolve, reject) => {
        const worker = idle.pop();
        if (!worker) throw new Error("more windows at once than lanes");
        worker.onmessage = ({ data }: MessageEvent<Answer>) => {
          idle.push(worker);
          if ("problem" in data) reject(new Error(data.problem));
          else resolve(data.residual);
        };
        worker.onerror = (event) => {
          reject(new Error(event.message));
        };
        const window: Window = { x, rows, columns };
        worker.postMessage(window, [x.buffer]);
      }),
    close: () => {
      for (const worker of all) worker.terminate();
      return Promise.resolve();
    },
  };
}
