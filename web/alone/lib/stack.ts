/* eslint-disable @typescript-eslint/no-non-null-assertion -- every index is inside by construction */
/**
 * A plain stack of 3x3 convolutions out of an ONNX file, in 8 bits as `crispen.engines._eight_bits`
 * makes it, and the kernel that runs it.
 */

import { fields, lastFields, utf8 } from "./protobuf";

export interface Layer {
  /** `(outputs, inputs, 3, 3)`. */
  weights: Float32Array;
  biases: Float32Array;
  /** What its answer is clipped to, from 0; infinite for the last one. */
  ceiling: number;
}

const BLOCK = 16;

interface Node {
  kind: string;
  inputs: string[];
  outputs: string[];
}

function nodeOf(content: Uint8Array): Node {
  const node: Node = { kind: "", inputs: [], outputs: [] };
  for (const { number, content: part } of fields(content)) {
    if (number === 1) node.inputs.push(utf8(part));
    if (number === 2) node.outputs.push(utf8(part));
    if (number === 4) node.kind = utf8(part);
  }
  return node;
}

/** The layers of a network that sees luma and is nothing but such a stack; else null. */
export function layersOf(model: Uint8Array): Layer[] | null {
  const graph = [...fields(model)].find(({ number }) => number === 7)?.content;
  if (!graph) return null;
  const nodes = new Map<string, Node>();
  const numbers = new Map<string, Float32Array>();
  for (const { number, content } of fields(graph)) {
    if (number === 1) {
      const node = nodeOf(content);
      for (const input of node.inputs.slice(0, 1)) {
        // The bicubic base begins at the input, too, by a Pad.
        if (node.kind === "Conv" || node.kind === "Clip") nodes.set(input, node);
      }
    } else if (number === 5) {
      const parts = lastFields(content);
      const raw = parts.get(9);
      if (raw && raw.length % 4 === 0) {
        numbers.set(utf8(parts.get(8)), new Float32Array(raw.slice().buffer));
      }
    }
  }
  const layers: Layer[] = [];
  for (let name = "input"; name !== "residual";) {
    const conv = nodes.get(name);
    const weights = numbers.get(conv?.inputs[1] ?? "");
    const biases = numbers.get(conv?.inputs[2] ?? "");
    if (conv?.kind !== "Conv" || !weights || !biases) return null;
    name = conv.outputs[0] ?? "";
    const clip = nodes.get(name);
    const layer = { weights, biases, ceiling: Infinity };
    if (name !== "residual") {
      const ceiling = numbers.get(clip?.inputs[2] ?? "")?.[0];
      if (clip?.kind !== "Clip" || !ceiling || numbers.get(clip.inputs[1] ?? "")?.[0] !== 0) {
        return null;
      }
      layer.ceiling = ceiling;
      name = clip.outputs[0] ?? "";
    }
    layers.push(layer);
  }
  const width = layers[0]?.biases.length ?? 0;
  const fits = layers.every(({ weights, biases }, i) => {
    const inputs = i === 0 ? 1 : width;
    const last = i === layers.length - 1;
    const outputs = last ? biases.length <= BLOCK : biases.length === width;
    return outputs && weights.length === 9 * inputs * biases.length;
  });
  return fits && layers.length > 1 && width % BLOCK === 0 ? layers : null;
}

/** Weights in the order in which the kernel reads them, and what its sums are multiplied with. */
function packed({ weights, biases }: Layer, inputs: number, unit: number, next: number) {
  const outputs = biases.length;
  const blocks = Math.ceil(outputs / BLOCK);
  const whole = new Int16Array(blocks * BLOCK * inputs * 9);
  const factors = new Float32Array(blocks * BLOCK);
  const added = new Float32Array(blocks * BLOCK);
  for (let o = 0; o < outputs; o += 1) {
    const own = weights.subarray(o * inputs * 9, (o + 1) * inputs * 9);
    const largest = Math.max(
      own.reduce((most, w) => Math.max(most, Math.abs(w)), 0),
      1e-9,
    );
    factors[o] = ((largest / 127) * unit) / next;
    added[o] = biases[o]! / next;
    const block = Math.floor(o / BLOCK);
    for (let i = 0; i < inputs; i += 1) {
      for (let tap = 0; tap < 9; tap += 1) {
        const pair = block * 9 * (inputs / 2) + tap * (inputs / 2) + (i >> 1);
        const at = pair * 2 * BLOCK + (o % BLOCK) * 2 + (i & 1);
        whole[at] = Math.round((own[i * 9 + tap]! / largest) * 127);
      }
    }
  }
  return { whole, factors, added };
}

type Kernel = Record<"head" | "body" | "tail", (...numbers: number[]) => void> & {
  memory: WebAssembly.Memory;
};

interface Placed {
  weights: number;
  factors: number;
  biases: number;
}

/** One network in the memory of one kernel. */
export class Stack {
  private readonly placed: Placed[] = [];
  private readonly channels: number;
  private readonly phases: number;
  private free = 1024;
  private readonly scratch: number;

  constructor(
    private readonly kernel: Kernel,
    layers: Layer[],
  ) {
    this.channels = layers[0]!.biases.length;
    this.phases = layers.at(-1)!.biases.length;
    this.scratch = this.room(128);
    layers.forEach((layer, i) => {
      // What one level of the next layer's input is; the last one gives its answer as it is.
      const next = Number.isFinite(layer.ceiling) ? layer.ceiling / 255 : 1;
      if (i === 0) this.placeHead(layer, next);
      else {
        const unit = layers[i - 1]!.ceiling / 255;
        const { whole, factors, added } = packed(layer, this.channels, unit, next);
        this.placed.push({
          weights: this.put(whole),
          factors: this.put(factors),
          biases: this.put(added),
        });
      }
    });
  }

  static async open(module: WebAssembly.Module, layers: Layer[]): Promise<Stack> {
    const made = await WebAssembly.instantiate(module, { env: { abort: () => undefined } });
    return new Stack(made.exports as unknown as Kernel, layers);
  }

  /**
   * The residual, `(phases, rows, columns)`, of luma in [0, 1].
   *
   * The kernel makes two columns at once; a picture of one is continued with a second.
   */
  run(x: Float32Array, rows: number, columns: number): Float32Array<ArrayBuffer> {
    if (columns < 2) {
      const twice = Float32Array.from({ length: 2 * rows }, (_, i) => x[i >> 1]!);
      return this.run(twice, rows, 2).filter((_, i) => i % 2 === 0);
    }
    const { kernel, channels, placed } = this;
    const kept = this.free;
    const size = 2 * channels * (rows + 2) * (columns + 2);
    const source = this.room(4 * (rows + 2) * (columns + 2));
    const target = this.room(4 * this.phases * rows * columns);
    let [from, to] = [this.room(size), this.room(size)];
    this.free = kept;
    new Uint8Array(kernel.memory.buffer, from, size).fill(0);
    new Uint8Array(kernel.memory.buffer, to, size).fill(0);
    const padded = new Float32Array(kernel.memory.buffer, source, (rows + 2) * (columns + 2));
    padded.fill(0);
    for (let y = 0; y < rows; y += 1) {
      padded.set(x.subarray(y * columns, (y + 1) * columns), (y + 1) * (columns + 2) + 1);
    }
    placed.forEach(({ weights, factors, biases }, i) => {
      if (i === 0) kernel.head(source, from, weights, biases, rows, columns, channels);
      else if (i < placed.length - 1) {
        kernel.body(from, to, weights, factors, biases, rows, columns, channels);
        [from, to] = [to, from];
      } else {
        const more = [channels, this.phases, this.scratch];
        kernel.tail(from, target, weights, factors, biases, rows, columns, ...more);
      }
    });
    return new Float32Array(kernel.memory.buffer, target, this.phases * rows * columns).slice();
  }

  private placeHead({ weights, biases }: Layer, next: number): void {
    const turned = new Float32Array(9 * this.channels);
    for (let o = 0; o < this.channels; o += 1) {
      for (let tap = 0; tap < 9; tap += 1)
        turned[tap * this.channels + o] = weights[o * 9 + tap]! / next;
    }
    const added = biases.map((bias) => bias / next);
    this.placed.push({ weights: this.put(turned), factors: 0, biases: this.put(added) });
  }

  private put(numbers: Int16Array | Float32Array): number {
    const at = this.room(numbers.byteLength);
    const bytes = new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength);
    new Uint8Array(this.kernel.memory.buffer).set(bytes, at);
    return at;
  }

  private room(bytes: number): number {
    const at = this.free;
    this.free = (at + bytes + 63) & ~63;
    const { memory } = this.kernel;
    const missing = this.free + 64 - memory.buffer.byteLength;
    if (missing > 0) memory.grow(Math.ceil(missing / 65536));
    return at;
  }
}
