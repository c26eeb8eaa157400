/** Enhances files beside the page, so that the page stays quick; ended to cancel. */

import type { Dials } from "../lib/card";
import { dialsFor, formatFor, modelFor, type Choices } from "../lib/choices";
import { decode } from "../lib/decode";
import { encode } from "../lib/encode";
import { enhance } from "../lib/enhance";
import { MODELS } from "../lib/models";
import { bestDevice, openNetwork, type Device, type Network } from "../lib/network";

export interface Work {
  id: number;
  file: File;
  choices: Choices;
}

export interface Done {
  blob: Blob;
  width: number;
  height: number;
  from: { width: number; height: number };
  model: string;
  device: Device;
  seconds: number;
  notes: string[];
}

export type Word =
  | { id: number; kind: "progress"; share: number }
  | { id: number; kind: "done"; done: Done }
  | { id: number; kind: "failed"; message: string };

declare const self: DedicatedWorkerGlobalScope;

let device: Promise<Device> | null = null;
/** The network of the last file, which the next one mostly asks for again. */
let open: { key: string; network: Network } | null = null;

async function network(name: string, dials: Dials, on: Device): Promise<Network> {
  const key = JSON.stringify([name, dials, on]);
  if (open?.key === key) return open.network;
  await open?.network.close();
  open = null;
  const address = MODELS[name];
  if (!address) throw new Error(`there is no network ${name}`);
  const answer = await fetch(address);
  if (!answer.ok) throw new Error("The network cannot be fetched; open this page once online.");
  const made = await openNetwork(new Uint8Array(await answer.arrayBuffer()), dials, on);
  open = { key, network: made };
  return made;
}

async function work({ id, file, choices }: Work): Promise<Done> {
  device ??= bestDevice();
  const { picture, metadata, compression, notes } = await decode(file);
  const name = modelFor(choices.kind, choices.scale);
  const dials = dialsFor(choices, compression);
  const began = performance.now();
  const run = async (on: Device) =>
    enhance(picture, await network(name, dials, on), choices.scale, (share) => {
      const word: Word = { id, kind: "progress", share };
      self.postMessage(word);
    });
  let on = await device;
  let result;
  try {
    result = await run(on);
  } catch (error) {
    if (on.provider !== "webgpu") throw error;
    // Drivers fail in more ways than can be asked for beforehand.
    on = { ...on, provider: "wasm" };
    device = Promise.resolve(on);
    result = await run(on);
  }
  const seconds = (performance.now() - began) / 1000;
  const encoded = await encode(
    result,
    metadata,
    formatFor(choices.format, file.type),
    choices.quality,
  );
  return {
    blob: encoded.blob,
    width: result.width,
    height: result.height,
    from: { width: picture.width, height: picture.height },
    model: name,
    device: on,
    seconds,
    notes: [...notes, ...encoded.notes],
  };
}

self.onmessage = async ({ data }: MessageEvent<Work>) => {
  let word: Word;
  try {
    word = { id: data.id, kind: "done", done: await work(data) };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    word = { id: data.id, kind: "failed", message };
  }
  self.postMessage(word);
};
