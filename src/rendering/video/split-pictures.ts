/** Pictures that ffmpeg writes one after the other into a pipe, each as a file of its own. Pure. */

const MARKER = 0xff;
const [START_OF_SCAN, END_OF_IMAGE] = [0xda, 0xd9];
/** 89 'PNG': how a PNG begins. */
const PNG_SIGNATURE = 0x89504e47;
const PNG_SIGNATURE_BYTES = 8;
const PNG_CHUNK_BYTES = 12;
const IEND = 0x49454e44;

/** All that are whole. They are views of `bytes`. */
export function splitPictures(bytes: Uint8Array): Uint8Array[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const pictures: Uint8Array[] = [];
  try {
    for (let at = 0; at < bytes.byteLength; ) {
      const end = view.getUint32(at) === PNG_SIGNATURE ? endOfPng(view, at) : endOfJpeg(bytes, view, at);
      pictures.push(bytes.subarray(at, end));
      at = end;
    }
  } catch (error) {
    // The last one is cut off.
    if (!(error instanceof RangeError)) throw error;
  }
  return pictures;
}

/** https://www.w3.org/TR/png-3/#5Chunk-layout */
function endOfPng(view: DataView, start: number): number {
  for (let at = start + PNG_SIGNATURE_BYTES; ; ) {
    const [length, type] = [view.getUint32(at), view.getUint32(at + 4)];
    at += PNG_CHUNK_BYTES + length;
    if (at > view.byteLength) throw new RangeError('A PNG is cut off.');
    if (type === IEND) return at;
  }
}

/** Segments with their length up to the scan, in which a marker's first byte is followed by 0 (ITU-T T.81, B.1.1). */
function endOfJpeg(bytes: Uint8Array, view: DataView, start: number): number {
  let at = start + 2;
  while (view.getUint8(at + 1) !== START_OF_SCAN) at += 2 + view.getUint16(at + 2);
  for (at = bytes.indexOf(MARKER, at + 2); at >= 0; at = bytes.indexOf(MARKER, at + 2)) {
    if (view.getUint8(at + 1) === END_OF_IMAGE) return at + 2;
  }
  throw new RangeError('A JPEG is cut off.');
}
