/** What an H.264 sequence parameter set says about the picture (Rec. ITU-T H.264, 7.3.2.1 and annex E). */

import { BitReader, withoutEmulationPrevention } from './bits.ts';

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
  /** What is needed to read the head of a slice. */
  readonly slices: {
    /** Bits of `frame_num`. */
    readonly frameNumberBits: number;
    /** Bits of `pic_order_cnt_lsb`; null: pictures are put in order otherwise. */
    readonly orderBits: number | null;
    /** Where in the payload, in bits, `log2_max_pic_order_cnt_lsb_minus4` would begin. */
    readonly orderAt: number;
    readonly isProgressive: boolean;
    readonly macroblocks: number;
  };
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
  const frameNumberBits = 4 + bits.golomb();
  const order = readPictureOrder(bits);
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
    slices: { frameNumberBits, ...order, isProgressive, macroblocks: widthInBlocks * heightInUnits * fields },
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

function readPictureOrder(bits: BitReader): { readonly orderBits: number | null; readonly orderAt: number } {
  const type = bits.golomb();
  const orderAt = bits.position;
  if (type === 0) return { orderBits: 4 + bits.golomb(), orderAt };
  if (type === 1) {
    bits.skip(1);
    bits.golomb();
    bits.golomb();
    for (let left = bits.golomb(); left > 0; left--) bits.golomb();
  }
  return { orderBits: null, orderAt };
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
