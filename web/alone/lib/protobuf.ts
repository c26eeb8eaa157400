/** As much of protobuf's wire format as reading a model's card and setting its dials takes. */

export interface Field {
  number: number;
  content: Uint8Array;
}

const text = new TextDecoder();

/** The length-delimited fields of a message; others are skipped. */
export function* fields(data: Uint8Array): Generator<Field> {
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = data[at];
      if (byte === undefined) throw new RangeError("the model file is cut off");
      at += 1;
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
    }
  };
  while (at < data.length) {
    const key = varint();
    switch (key & 7) {
      case 0:
        varint();
        break;
      case 1:
        at += 8;
        break;
      case 2: {
        const size = varint();
        if (at + size > data.length) throw new RangeError("the model file is cut off");
        yield { number: Math.floor(key / 8), content: data.subarray(at, at + size) };
        at += size;
        break;
      }
      case 5:
        at += 4;
        break;
      default:
        throw new RangeError("not a model file");
    }
  }
}

/** The last field of each number, as most messages here have one of each. */
export function lastFields(data: Uint8Array): Map<number, Uint8Array> {
  return new Map([...fields(data)].map(({ number, content }) => [number, content]));
}

export function utf8(content: Uint8Array | undefined): string {
  return text.decode(content);
}

/** A length-delimited field of fewer than 128 bytes. */
export function shortField(number: number, content: Uint8Array): Uint8Array {
  if (content.length > 127) throw new RangeError("too long for one byte of length");
  return new Uint8Array([(number << 3) | 2, content.length, ...content]);
}
