/** A joined file against what it was joined from, by its index alone: what is in it was looked at when it was rendered. */

import { type Box, boxesOf, isFastStart } from '../mp4/boxes.ts';
import { wrong } from './container.ts';

export interface ExpectedJoin {
  /** Packets of the tracks, in their order: a frame or a packet of sound each. */
  readonly packets: readonly number[];
  readonly durationMs: number;
}

const HEADER_BYTES = 8;
/** Version, flags; two times; then units per second and length. In version 1, times and length have 64 bits. */
const HEAD = { short: { scale: 12, length: 16 }, long: { scale: 20, length: 24 } } as const;
/** Version, flags, size of all; then how many. */
const COUNT_AT = 8;
/** As long as a unit of the index may be. */
const TOLERANCE_MS = 1;

/** Failure `OutputInvalid`: the index is not in front, or not about as much picture and sound as went in. */
export function assertJoined(mp4: Uint8Array, { packets, durationMs }: ExpectedJoin): void {
  try {
    if (!isFastStart(mp4)) throw wrong('has its index behind its media: players would have to load all of it first');
    const view = new DataView(mp4.buffer, mp4.byteOffset, mp4.byteLength);
    const tracks = find(mp4, ['moov', 'trak']);
    const counts = tracks.map((track) => {
      const [sizes] = find(mp4, ['mdia', 'minf', 'stbl', 'stsz'], track);
      return sizes === undefined ? 0 : view.getUint32(sizes.start + HEADER_BYTES + COUNT_AT);
    });
    if (counts.length !== packets.length || counts.some((count, index) => count !== packets[index])) {
      throw wrong(`has tracks of ${counts.join(' and ')} packets, not ${packets.join(' and ')}`);
    }
    const [head] = find(mp4, ['moov', 'mvhd']);
    const lastsMs = head === undefined ? 0 : durationOf(view, head);
    if (Math.abs(lastsMs - durationMs) > TOLERANCE_MS) throw wrong(`lasts ${lastsMs} ms, not ${durationMs}`);
  } catch (error) {
    if (error instanceof RangeError) throw wrong('is cut off or no MP4: its boxes do not fit into its bytes', error);
    throw error;
  }
}

/** Boxes at a path, inside of one or of the file. */
function find(mp4: Uint8Array, [type, ...rest]: readonly string[], inside?: Box): Box[] {
  const start = inside === undefined ? 0 : inside.start + HEADER_BYTES;
  const found = boxesOf(mp4, start, inside?.end).filter((box) => box.type === type);
  return rest.length === 0 ? found : found.flatMap((box) => find(mp4, rest, box));
}

function durationOf(view: DataView, { start }: Box): number {
  const body = start + HEADER_BYTES;
  const isLong = view.getUint8(body) === 1;
  const { scale, length } = isLong ? HEAD.long : HEAD.short;
  const units = isLong ? Number(view.getBigUint64(body + length)) : view.getUint32(body + length);
  return (units * 1000) / view.getUint32(body + scale);
}
