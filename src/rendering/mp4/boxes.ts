/** The little of ISO/IEC 14496-12 that the engine reads and writes itself. */

export interface Box {
  readonly type: string;
  readonly start: number;
  readonly end: number;
}

const CONTAINERS: readonly string[] = ['moov', 'trak', 'mdia'];
const CREATION_TIMES: readonly string[] = ['mvhd', 'tkhd', 'mdhd'];
const HEADER_BYTES = 8;

/** The boxes side by side from `start` to `end`. Throws RangeError where sizes do not fit. */
export function boxesOf(bytes: Uint8Array, start = 0, end = bytes.byteLength): Box[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const boxes: Box[] = [];
  for (let at = start; at + HEADER_BYTES <= end; ) {
    const type = Buffer.from(bytes.subarray(at + 4, at + 8)).toString('latin1');
    const short = view.getUint32(at);
    // 1: the size is in the next 64 bits; 0: up to the end.
    const size = short === 1 ? Number(view.getBigUint64(at + 8)) : short === 0 ? end - at : short;
    if (size < HEADER_BYTES || at + size > end) throw new RangeError(`Box '${type}' at ${at} has size ${size}.`);
    boxes.push({ type, start: at, end: at + size });
    at += size;
  }
  return boxes;
}

/** Sets every creation and modification time to 0, in place: the only clock in a file. */
export function zeroCreationTimes(bytes: Uint8Array, start = 0, end = bytes.byteLength): void {
  for (const box of boxesOf(bytes, start, end)) {
    if (CONTAINERS.includes(box.type)) zeroCreationTimes(bytes, box.start + HEADER_BYTES, box.end);
    if (!CREATION_TIMES.includes(box.type)) continue;
    const isLong = bytes[box.start + HEADER_BYTES] === 1;
    const from = box.start + HEADER_BYTES + 4;
    bytes.fill(0, from, from + (isLong ? 16 : 8));
  }
}

/** Whether a player can begin before it has everything: the index lies before the media. */
export function isFastStart(bytes: Uint8Array): boolean {
  const types = boxesOf(bytes).map(({ type }) => type);
  return types.includes('moov') && types.indexOf('moov') < types.indexOf('mdat');
}
