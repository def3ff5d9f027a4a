/** What an H.264 sequence parameter set says about the picture (Rec. ITU-T H.264, 7.3.2.1 and annex E). */

export interface SequenceParameters {
  /** 100: High. */
  readonly profile: number;
  /** 1: 4:2:0. */
  readonly chromaFormat: number;
  /** The larger of luma's and chroma's. */
  readonly bitDepth: number;
  /** In pixels, cropped as a player shows it. */
  readonly width: number;
  readonly height: number;
  /** Null where the stream does not say. Primaries, transfer and matrix by the numbers of table E-3 to E-5; 1: BT.709. */
  readonly colour: {
    readonly isFullRange: boolean;
    readonly primaries: number;
    readonly transfer: number;
    readonly matrix: number;
  } | null;
}

/** Profiles whose parameter set goes on with a chroma format. */
const WITH_CHROMA_FORMAT: readonly number[] = [100, 110, 122, 244, 44, 83, 86, 118, 128];
const EXTENDED_ASPECT_RATIO = 255;
const MACROBLOCK = 16;

/** Reads one NAL unit, without start code or length. Throws RangeError when it ends too early. */
export function readSequenceParameters(nal: Uint8Array): SequenceParameters {
  const bits = new BitReader(withoutEmulationPrevention(nal.subarray(1)));
  const profile = bits.read(8);
  bits.skip(16);
  bits.golomb();
  let [chromaFormat, bitDepth] = [1, 8];
  if (WITH_CHROMA_FORMAT.includes(profile)) {
    chromaFormat = bits.golomb();
    if (chromaFormat === 3) bits.skip(1);
    bitDepth = 8 + Math.max(bits.golomb(), bits.golomb());
    bits.skip(1);
    if (bits.flag()) skipScalingMatrices(bits, chromaFormat === 3 ? 12 : 8);
  }
  bits.golomb();
  skipPictureOrder(bits);
  bits.golomb();
  bits.skip(1);
  const widthInBlocks = bits.golomb() + 1;
  const heightInUnits = bits.golomb() + 1;
  const isProgressive = bits.flag();
  if (!isProgressive) bits.skip(1);
  bits.skip(1);
  const fields = isProgressive ? 1 : 2;
  const [left, right, top, bottom] = bits.flag()
    ? [bits.golomb(), bits.golomb(), bits.golomb(), bits.golomb()]
    : [0, 0, 0, 0];
  const unitX = chromaFormat === 1 || chromaFormat === 2 ? 2 : 1;
  const unitY = (chromaFormat === 1 ? 2 : 1) * fields;
  return {
    ...{ profile, chromaFormat, bitDepth },
    width: widthInBlocks * MACROBLOCK - unitX * (left + right),
    height: heightInUnits * MACROBLOCK * fields - unitY * (top + bottom),
    colour: bits.flag() ? readColour(bits) : null,
  };
}

/** The beginning of the VUI, up to its colours. */
function readColour(bits: BitReader): SequenceParameters['colour'] {
  if (bits.flag() && bits.read(8) === EXTENDED_ASPECT_RATIO) bits.skip(32);
  if (bits.flag()) bits.skip(1);
  if (!bits.flag()) return null;
  bits.skip(3);
  const isFullRange = bits.flag();
  if (!bits.flag()) return { isFullRange, primaries: 2, transfer: 2, matrix: 2 };
  return { isFullRange, primaries: bits.read(8), transfer: bits.read(8), matrix: bits.read(8) };
}

function skipPictureOrder(bits: BitReader): void {
  const type = bits.golomb();
  if (type === 0) bits.golomb();
  if (type !== 1) return;
  bits.skip(1);
  bits.golomb();
  bits.golomb();
  for (let left = bits.golomb(); left > 0; left--) bits.golomb();
}

function skipScalingMatrices(bits: BitReader, count: number): void {
  for (let list = 0; list < count; list++) {
    if (!bits.flag()) continue;
    let [last, next] = [8, 8];
    for (let at = 0; at < (list < 6 ? 16 : 64) && next !== 0; at++) {
      next = (last + bits.signedGolomb() + 256) % 256;
      last = next === 0 ? last : next;
    }
  }
}

/** Takes the 3 out of every 0 0 3, where it only keeps the bytes from looking like a start code. */
function withoutEmulationPrevention(bytes: Uint8Array): Uint8Array {
  return bytes.filter((byte, at) => byte !== 3 || at < 2 || bytes[at - 1] !== 0 || bytes[at - 2] !== 0);
}

class BitReader {
  private readonly bytes: Uint8Array;
  private at = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  read(count: number): number {
    let value = 0;
    for (let bit = 0; bit < count; bit++) {
      const byte = this.bytes[this.at >> 3];
      if (byte === undefined) throw new RangeError('The sequence parameter set ends too early.');
      value = value * 2 + ((byte >> (7 - (this.at & 7))) & 1);
      this.at += 1;
    }
    return value;
  }

  flag(): boolean {
    return this.read(1) === 1;
  }

  skip(count: number): void {
    this.at += count;
  }

  /** ue(v): as many zeros as bits follow the next one. */
  golomb(): number {
    let zeros = 0;
    while (!this.flag()) zeros += 1;
    return 2 ** zeros - 1 + this.read(zeros);
  }

  /** se(v). */
  signedGolomb(): number {
    const code = this.golomb();
    return code % 2 === 1 ? (code + 1) / 2 : -code / 2;
  }
}
