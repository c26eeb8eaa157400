// @vitest-environment node
import { readFileSync } from "node:fs";

import asc from "assemblyscript/asc";
import { beforeAll, describe, expect, test } from "vitest";

import { layersOf, Stack } from "../alone/lib/stack";
import figures from "./alone.figures.json";

describe("the kernel in 8 bits", () => {
  const shipped = (name: string) =>
    new Uint8Array(readFileSync(`../src/crispen/models/shipped/${name}.onnx`));

  let module: WebAssembly.Module;

  beforeAll(async () => {
    const made = new Map<string, Uint8Array<ArrayBuffer>>();
    const writeFile = (name: string, content: unknown) =>
      void made.set(name, content as Uint8Array<ArrayBuffer>);
    const options = ["-O3", "--noAssert", "--runtime", "stub", "--enable", "simd", "-o", "a.wasm"];
    const { error, stderr } = await asc.main(["kernel/stack.ts", ...options], { writeFile });
    if (error) throw new Error(stderr.toString());
    module = await WebAssembly.compile(made.get("a.wasm") ?? new Uint8Array());
  }, 120_000);

  test("is for plain stacks that see luma", () => {
    expect(layersOf(shipped("photo-fast-x2"))).toHaveLength(12);
    expect(layersOf(shipped("photo-x3"))?.at(-1)?.biases).toHaveLength(9);
    for (const name of ["real-x2", "vivid-x2", "espcn-x2", "relight"]) {
      expect(layersOf(shipped(name)), name).toBeNull();
    }
  });

  test("is as far from fp32 as 8 bits are", async () => {
    for (const { name, rows, columns, x, residual } of figures.stacks) {
      const stack = await Stack.open(module, layersOf(shipped(name)) ?? []);
      const levels = (value: number) => (value * 255 * 255) / 219;
      // Twice: what one window leaves in memory must not show in the next.
      for (let turn = 0; turn < 2; turn += 1) {
        const found = stack.run(new Float32Array(x), rows, columns);
        expect(found).toHaveLength(residual.length);
        const apart = Array.from(found, (value, i) =>
          levels(Math.abs(value - (residual[i] ?? NaN))),
        );
        expect(Math.max(...apart), name).toBeLessThan(4);
        expect(apart.reduce((sum, one) => sum + one) / apart.length, name).toBeLessThan(0.4);
      }
      // What the network adds is much more than that.
      expect(Math.max(...residual.map((value) => levels(Math.abs(value)))), name).toBeGreaterThan(
        15,
      );
    }
  });

  test("runs on pictures of one column", async () => {
    const stack = await Stack.open(module, layersOf(shipped("photo-fast-x2")) ?? []);
    expect(stack.run(new Float32Array(5).fill(0.5), 5, 1)).toHaveLength(20);
  });
});
