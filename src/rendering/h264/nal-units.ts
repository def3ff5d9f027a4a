/** NAL units as an MP4 holds them: each with its length in front (ISO/IEC 14496-15), and parameter sets in a record of their own. */

/** One picture, NAL units with their lengths in front. */
export interface CodedPicture {
  readonly data: Uint8Array;
  readonly isKey: boolean;
  /** Its number in the order in which pictures are shown. */
  readonly frame: number;
}

export const NAL = { slice: 1, idrSlice: 5, sequenceParameters: 7, pictureParameters: 8 } as const;

export const typeOf = ([head = 0]: Uint8Array): number => head & 0x1f;

/** nal_ref_idc is not 0: other pictures may be predicted from this one. */
export const isReference = ([head = 0]: Uint8Array): boolean => (head & 0x60) !== 0;

export const isSlice = (nal: Uint8Array): boolean => typeOf(nal) >= NAL.slice && typeOf(nal) <= NAL.idrSlice;

/** Views into `packet`. */
export function nalUnitsOf(packet: Uint8Array, lengthBytes: number): Uint8Array[] {
  const units: Uint8Array[] = [];
  for (let at = 0; at + lengthBytes <= packet.byteLength; ) {
    let length = 0;
    for (let byte = 0; byte < lengthBytes; byte++) length = length * 256 + (packet[at + byte] as number);
    units.push(packet.subarray(at + lengthBytes, at + lengthBytes + length));
    at += lengthBytes + length;
  }
  return units;
}

export function packetOf(units: readonly Uint8Array[], lengthBytes: number): Uint8Array {
  const packet = new Uint8Array(units.reduce((total, { byteLength }) => total + lengthBytes + byteLength, 0));
  let at = 0;
  for (const unit of units) {
    for (let byte = lengthBytes - 1, length = unit.byteLength; byte >= 0; byte--, length = Math.floor(length / 256)) {
      packet[at + byte] = length % 256;
    }
    packet.set(unit, at + lengthBytes);
    at += lengthBytes + unit.byteLength;
  }
  return packet;
}

/** What an avcC box says (ISO/IEC 14496-15, 5.3.3.1). */
export interface AvcConfiguration {
  readonly sequenceParameters: readonly Uint8Array[];
  readonly pictureParameters: readonly Uint8Array[];
  /** Bytes of the length in front of every NAL unit of a packet. */
  readonly lengthBytes: number;
}

/** Where the first list of parameter sets begins, with its number. */
const LISTS_AT = 5;

/** Throws RangeError when it ends too early. */
export function readAvcConfiguration(bytes: Uint8Array): AvcConfiguration {
  return readLists(bytes).configuration;
}

/** The same record with other parameter sets; the rest as it was. Fewer than 32 sequence parameter sets, and than 256 others. */
export function withParameterSets(
  bytes: Uint8Array,
  { sequenceParameters, pictureParameters }: Omit<AvcConfiguration, 'lengthBytes'>,
): Uint8Array {
  const { end } = readLists(bytes);
  return Buffer.concat([
    bytes.subarray(0, LISTS_AT),
    Uint8Array.of(0xe0 | sequenceParameters.length),
    packetOf(sequenceParameters, 2),
    Uint8Array.of(pictureParameters.length),
    packetOf(pictureParameters, 2),
    bytes.subarray(end),
  ]);
}

function readLists(bytes: Uint8Array): { readonly configuration: AvcConfiguration; readonly end: number } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = LISTS_AT;
  const list = (mask: number): Uint8Array[] => {
    const count = view.getUint8(at) & mask;
    at += 1;
    return Array.from({ length: count }, () => {
      const start = at + 2;
      at = start + view.getUint16(at);
      return bytes.subarray(start, at);
    });
  };
  // The first number in five bits, the second in eight.
  const configuration = {
    sequenceParameters: list(0x1f),
    pictureParameters: list(0xff),
    lengthBytes: (view.getUint8(4) & 3) + 1,
  };
  return { configuration, end: at };
}
