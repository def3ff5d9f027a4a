/** The little of ISO/IEC 14496-12 that the engine reads and writes itself. */

export interface Box {
  readonly type: string;
  readonly start: number;
  readonly end: number;
}

const CONTAINERS: readonly string[] = ['moov', 'trak', 'mdia', 'minf', 'stbl'];
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

/** The boxes that hold no others, of an index or of a whole file: each from its size on. */
function* leavesOf(bytes: Uint8Array, start = 0, end = bytes.byteLength): Generator<{ type: string; view: DataView }> {
  for (const box of boxesOf(bytes, start, end)) {
    if (CONTAINERS.includes(box.type)) yield* leavesOf(bytes, box.start + HEADER_BYTES, box.end);
    else {
      const view = new DataView(bytes.buffer, bytes.byteOffset + box.start, box.end - box.start);
      yield { type: box.type, view };
    }
  }
}

/** Sets every creation and modification time to 0, in place: the only clock in a file. */
export function zeroCreationTimes(moov: Uint8Array): void {
  for (const { type, view } of leavesOf(moov)) {
    if (!CREATION_TIMES.includes(type)) continue;
    const isLong = view.getUint8(HEADER_BYTES) === 1;
    for (let at = HEADER_BYTES + 4; at < HEADER_BYTES + (isLong ? 20 : 12); at += 1) view.setUint8(at, 0);
  }
}

/** Adds `bytes` to every chunk's offset into the file, in place: the media begins so much later. RangeError where one does not fit. */
export function shiftChunks(moov: Uint8Array, bytes: number): void {
  for (const { view, type } of leavesOf(moov)) {
    if (type !== 'stco' && type !== 'co64') continue;
    // Version and flags, the number of entries, the entries.
    for (let at = 16; at < view.byteLength; at += type === 'stco' ? 4 : 8) {
      if (type === 'stco') view.setUint32(at, inUint32(view.getUint32(at) + bytes));
      else view.setBigUint64(at, view.getBigUint64(at) + BigInt(bytes));
    }
  }
}

function inUint32(value: number): number {
  if (value >= 2 ** 32) throw new RangeError(`A chunk at ${value} is too far into the file for its index.`);
  return value;
}

/** Whether a player can begin before it has everything: the index lies before the media. */
export function isFastStart(bytes: Uint8Array): boolean {
  const types = boxesOf(bytes).map(({ type }) => type);
  return types.includes('moov') && types.indexOf('moov') < types.indexOf('mdat');
}
