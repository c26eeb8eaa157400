/** EXIF, XMP and the colour profile, carried from file to file where that is cheap: JPEG and PNG. */

export interface Metadata {
  /** A TIFF structure, as in a JPEG after `Exif\0\0`. */
  exif: Uint8Array<ArrayBuffer> | null;
  xmp: Uint8Array<ArrayBuffer> | null;
  icc: Uint8Array<ArrayBuffer> | null;
}

export const NOTHING: Metadata = { exif: null, xmp: null, icc: null };

const ORIENTATION = 0x0112;
const EXIF = latin("Exif\0\0");
const XMP = latin("http://ns.adobe.com/xap/1.0/\0");
const ICC = latin("ICC_PROFILE\0");
const XMP_KEYWORD = latin("XML:com.adobe.xmp\0\0\0\0\0");
export const PNG_SIGNATURE = new Uint8Array([137, 80, 78, 71, 13, 10, 26, 10]);
/** What one segment of a JPEG can hold beside its length. */
const SEGMENT_BYTES = 65_533;

function latin(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(text, (letter) => letter.charCodeAt(0));
}

export function joined(...parts: Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

export function startsWith(data: Uint8Array, prefix: Uint8Array): boolean {
  return prefix.every((byte, i) => data[i] === byte);
}

async function through(
  data: Uint8Array<ArrayBuffer>,
  stream: CompressionStream | DecompressionStream,
): Promise<Uint8Array<ArrayBuffer>> {
  const flow = new Blob([data]).stream().pipeThrough(stream);
  return new Uint8Array(await new Response(flow).arrayBuffer());
}

/** Where the orientation's value lies in an EXIF structure, and how it is written. */
function orientationPlace(exif: Uint8Array): { at: number; little: boolean } | null {
  const view = new DataView(exif.buffer, exif.byteOffset, exif.byteLength);
  if (exif.length < 14) return null;
  const little = view.getUint16(0) === 0x4949;
  const directory = view.getUint32(4, little);
  if (directory + 2 > exif.length) return null;
  const count = view.getUint16(directory, little);
  for (let i = 0; i < count; i += 1) {
    const entry = directory + 2 + 12 * i;
    if (entry + 12 > exif.length) return null;
    if (view.getUint16(entry, little) === ORIENTATION) return { at: entry + 8, little };
  }
  return null;
}

/** How a picture is stored, 1 (upright) to 8. */
export function orientationOf(exif: Uint8Array | null): number {
  const place = exif && orientationPlace(exif);
  if (!place) return 1;
  const view = new DataView(exif.buffer, exif.byteOffset);
  const value = view.getUint16(place.at, place.little);
  return value >= 1 && value <= 8 ? value : 1;
}

/** Says of itself that the picture is upright, which it is by now. */
export function upright(metadata: Metadata): Metadata {
  const exif = metadata.exif?.slice() ?? null;
  const place = exif && orientationPlace(exif);
  if (place) new DataView(exif.buffer).setUint16(place.at, 1, place.little);
  return { ...metadata, exif };
}

export function* segments(jpeg: Uint8Array): Generator<{ marker: number; content: Uint8Array }> {
  const view = new DataView(jpeg.buffer, jpeg.byteOffset, jpeg.byteLength);
  for (let at = 2; at + 4 <= jpeg.length && jpeg[at] === 0xff;) {
    const marker = view.getUint8(at + 1);
    if (marker === 0xda) return;
    const size = view.getUint16(at + 2);
    yield { marker, content: jpeg.subarray(at + 4, at + 2 + size) };
    at += 2 + size;
  }
}

export function isJpeg(file: Uint8Array): boolean {
  return file[0] === 0xff && file[1] === 0xd8;
}

/** How many colour channels a JPEG has; 0 where its header does not say. */
export function jpegChannels(file: Uint8Array): number {
  for (const { marker, content } of segments(file)) {
    const frame = marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
    if (frame) return content[5] ?? 0;
  }
  return 0;
}

function fromJpeg(file: Uint8Array): Metadata {
  const found: Metadata = { ...NOTHING };
  const profile: Uint8Array[] = [];
  for (const { marker, content } of segments(file)) {
    if (marker === 0xe1 && startsWith(content, EXIF)) found.exif ??= content.slice(EXIF.length);
    if (marker === 0xe1 && startsWith(content, XMP)) found.xmp ??= content.slice(XMP.length);
    if (marker === 0xe2 && startsWith(content, ICC)) profile.push(content.subarray(ICC.length + 2));
  }
  return { ...found, icc: profile.length > 0 ? joined(...profile) : null };
}

function* chunks(png: Uint8Array): Generator<{ kind: string; content: Uint8Array }> {
  const view = new DataView(png.buffer, png.byteOffset, png.byteLength);
  for (let at = 8; at + 12 <= png.length;) {
    const size = view.getUint32(at);
    const kind = String.fromCharCode(...png.subarray(at + 4, at + 8));
    yield { kind, content: png.subarray(at + 8, at + 8 + size) };
    at += 12 + size;
  }
}

async function fromPng(file: Uint8Array): Promise<Metadata> {
  const found: Metadata = { ...NOTHING };
  for (const { kind, content } of chunks(file)) {
    if (kind === "eXIf") found.exif = content.slice();
    // Uncompressed only, as everybody writes it.
    if (kind === "iTXt" && startsWith(content, XMP_KEYWORD)) {
      found.xmp = content.slice(XMP_KEYWORD.length);
    }
    if (kind === "iCCP") {
      const name = content.indexOf(0);
      found.icc = await through(content.slice(name + 2), new DecompressionStream("deflate"));
    }
  }
  return found;
}

/** What a file holds beside its pixels. */
export async function metadataOf(file: Uint8Array): Promise<Metadata> {
  if (isJpeg(file)) return fromJpeg(file);
  if (startsWith(file, PNG_SIGNATURE)) return fromPng(file);
  return NOTHING;
}

function segment(marker: number, ...parts: Uint8Array[]): Uint8Array {
  const content = joined(...parts);
  const size = content.length + 2;
  return joined(new Uint8Array([0xff, marker, size >> 8, size & 255]), content);
}

/** A JPEG with metadata after its start. */
export function intoJpeg(file: Uint8Array, { exif, xmp, icc }: Metadata): Uint8Array<ArrayBuffer> {
  const added: Uint8Array[] = [];
  const fits = (content: Uint8Array | null, prefix: Uint8Array): content is Uint8Array =>
    content !== null && content.length + prefix.length <= SEGMENT_BYTES;
  if (fits(exif, EXIF)) added.push(segment(0xe1, EXIF, exif));
  if (fits(xmp, XMP)) added.push(segment(0xe1, XMP, xmp));
  if (icc) {
    const room = SEGMENT_BYTES - ICC.length - 2;
    const count = Math.ceil(icc.length / room);
    for (let i = 0; i < count; i += 1) {
      const part = icc.subarray(i * room, (i + 1) * room);
      added.push(segment(0xe2, ICC, new Uint8Array([i + 1, count]), part));
    }
  }
  return joined(file.subarray(0, 2), ...added, file.subarray(2));
}

const CRC = Uint32Array.from({ length: 256 }, (_, n) => {
  let value = n;
  for (let bit = 0; bit < 8; bit += 1) value = value & 1 ? 0xedb88320 ^ (value >>> 1) : value >>> 1;
  return value;
});

function chunk(kind: string, content: Uint8Array): Uint8Array {
  const body = joined(latin(kind), content);
  const crc = body.reduce((sum, byte) => (CRC[(sum ^ byte) & 255] ?? 0) ^ (sum >>> 8), 0xffffffff);
  const ends = new DataView(new ArrayBuffer(8));
  ends.setUint32(0, content.length);
  ends.setUint32(4, ~crc);
  const bytes = new Uint8Array(ends.buffer);
  return joined(bytes.subarray(0, 4), body, bytes.subarray(4));
}

/** A PNG with metadata after its header; a profile takes the place of a mention of sRGB. */
export async function intoPng(
  file: Uint8Array,
  { exif, xmp, icc }: Metadata,
): Promise<Uint8Array<ArrayBuffer>> {
  const kept = [...chunks(file)].filter(({ kind }) => !icc || !["sRGB", "iCCP"].includes(kind));
  const [header, ...rest] = kept.map(({ kind, content }) => chunk(kind, content));
  if (!header) throw new Error("the encoder wrote no PNG");
  const added: Uint8Array[] = [];
  if (icc) {
    const packed = await through(icc.slice(), new CompressionStream("deflate"));
    added.push(chunk("iCCP", joined(latin("icc\0\0"), packed)));
  }
  if (exif) added.push(chunk("eXIf", exif));
  if (xmp) added.push(chunk("iTXt", joined(XMP_KEYWORD, xmp)));
  return joined(PNG_SIGNATURE, header, ...added, ...rest);
}
