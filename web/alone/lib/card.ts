/** What a model file says of itself, and its bytes with other dials. See `crispen.models.card`. */

import { fields, lastFields, shortField, utf8 } from "./protobuf";

const CARD_KEY = "crispen.card";
/** Fields of ONNX's ModelProto, GraphProto, TensorProto and ValueInfoProto. */
const GRAPH = 7;
const METADATA = 14;
const OUTPUT = 12;
const INITIALIZER = 5;
const NAME = 8;
const RAW_DATA = 9;

export interface Card {
  name: string;
  scale: number;
  color: "luma" | "rgb";
  /** Input pixels around a pixel on which its output depends. */
  halo: number;
  parameters: number;
  dials: boolean;
  vivid: boolean;
}

/** How much of each damage a picture has, from 0 to 1; null is for the network to see itself. */
export interface Dials {
  noise: number | null;
  compression: number | null;
  blur: number | null;
  vivid: number | null;
}

/** The card in an ONNX file; of several the last one counts. */
export function readCard(model: Uint8Array): Card {
  let found: unknown;
  for (const { number, content } of fields(model)) {
    if (number !== METADATA) continue;
    const entry = lastFields(content);
    if (utf8(entry.get(1)) === CARD_KEY) found = JSON.parse(utf8(entry.get(2)));
  }
  if (!found) throw new Error("the model file has no card");
  const card = found as Partial<Card> & { base?: string; multiple?: number };
  if (card.base !== "bicubic" || card.halo == null || (card.multiple ?? 1) !== 1) {
    throw new Error(`${card.name ?? "the model"} cannot run in tiles here`);
  }
  return {
    name: card.name ?? "",
    scale: card.scale ?? 1,
    color: card.color ?? "luma",
    halo: card.halo,
    parameters: card.parameters ?? 0,
    dials: card.dials ?? false,
    vivid: card.vivid ?? false,
  };
}

/**
 * The ONNX file with its tensor `residual` as one more output.
 *
 * Messages of one field are merged when they are parsed, so that a few bytes at the end are enough.
 */
export function withResidualOutput(model: Uint8Array): Uint8Array {
  const name = new TextEncoder().encode("residual");
  const more = shortField(GRAPH, shortField(OUTPUT, shortField(1, name)));
  const whole = new Uint8Array(model.length + more.length);
  whole.set(model);
  whole.set(more, model.length);
  return whole;
}

/** What the network is given: value, known, value, known …; unknown values are 0. */
export function dialInputs({ noise, compression, blur }: Dials): number[] {
  return [noise, compression, blur].flatMap((value) => (value === null ? [0, 0] : [value, 1]));
}

/** A copy of the ONNX file with other values in its initializers `dials` and `vivid`. */
export function withDials(model: Uint8Array, dials: Dials): Uint8Array {
  const changed = model.slice();
  const values = new Map([["dials", dialInputs(dials)]]);
  if (dials.vivid !== null) values.set("vivid", [dials.vivid]);
  const view = new DataView(changed.buffer);
  for (const graph of fields(model)) {
    if (graph.number !== GRAPH) continue;
    for (const tensor of fields(graph.content)) {
      if (tensor.number !== INITIALIZER) continue;
      const parts = lastFields(tensor.content);
      const numbers = values.get(utf8(parts.get(NAME)));
      const data = parts.get(RAW_DATA);
      if (!numbers || !data) continue;
      const begin = data.byteOffset - model.byteOffset;
      numbers.forEach((number, index) => {
        view.setFloat32(begin + 4 * index, number, true);
      });
    }
  }
  return changed;
}
