/**
 * Pictures that stand still, put into a stream that leaves them out: each is a slice that says of every macroblock that it is as
 * in the picture before, 13 bytes at 1080p. Nothing is encoded for it, and a decoder copies.
 *
 * The encoder numbers its own pictures by the order in which they are shown (`pic_order_cnt_lsb`). With others among them they are numbered
 * anew, and as there are more, in more bits: a byte more, so that whatever follows in the slice stays where it lies in its byte.
 */

import { Failure } from '../../contracts/failures.ts';
import { BitReader, BitWriter, withEmulationPrevention, withoutEmulationPrevention } from './bits.ts';
import {
  type CodedPicture,
  isReference,
  isSlice,
  NAL,
  nalUnitsOf,
  packetOf,
  readAvcConfiguration,
  typeOf,
  withParameterSets,
} from './nal-units.ts';
import { readSequenceParameters, type SequenceParameters } from './sequence-parameters.ts';

/** What is to become of a stream in which some are missing. */
export interface SparseFrames {
  /** How many pictures there are to be. */
  readonly frameCount: number;
  /** Whether the encoder got this one, so that it cannot be missing. */
  isSent(frame: number): boolean;
}

/** By so many bits the pictures' numbers get longer. */
const MORE_BITS = 8;
const MOST_ORDER_BITS = 16;
/** A frame is two fields, and each counts. */
const ORDERS_PER_FRAME = 2;
/** Beside that of the encoder: entropy coding by tables, as a slice without anything in it needs no more. */
const OWN_PICTURE_PARAMETERS = 1;
/** At least so much of a slice is read for its head; what follows is copied. */
const HEAD_BYTES = 24;
const P_SLICE = 5;
/** Of a picture that nothing is predicted from. */
const DISPOSABLE_SLICE = NAL.slice;

/** Numbers the pictures of one stream anew and puts those in that stand still. */
export class HeldPictures {
  /** What a decoder is told instead of what the encoder says. */
  readonly description: Uint8Array;
  private readonly slices: SequenceParameters['slices'];
  private readonly orderBits: number;
  private readonly lengthBytes: number;

  /**
   * @param description the encoder's AVCDecoderConfigurationRecord (ISO/IEC 14496-15).
   * Failure `Internal` when its pictures are numbered otherwise than x264's.
   */
  constructor(description: Uint8Array) {
    const { sequenceParameters, pictureParameters, lengthBytes } = readAvcConfiguration(description);
    const [sequence] = sequenceParameters;
    if (sequence === undefined || sequenceParameters.length > 1 || pictureParameters.length !== 1) {
      throw new Failure('Internal', 'The encoder wrote other parameter sets than one of each kind.');
    }
    const { slices } = readSequenceParameters(sequence);
    const { orderBits, isProgressive } = slices;
    if (orderBits === null || orderBits + MORE_BITS > MOST_ORDER_BITS || !isProgressive) {
      throw new Failure('Internal', 'The encoder numbers its pictures in a way in which none can be put between them.');
    }
    this.slices = slices;
    this.orderBits = orderBits + MORE_BITS;
    this.lengthBytes = lengthBytes;
    this.description = withParameterSets(description, {
      sequenceParameters: [this.widened(sequence)],
      pictureParameters: [...pictureParameters, ownPictureParameters()],
    });
  }

  /**
   * All pictures, in decoding order. One that others are predicted from stands for those that are missing after it; Failure
   * `Internal` when one is missing that the encoder got, or that nothing can stand for.
   */
  async *fill(
    coded: AsyncIterable<CodedPicture> | Iterable<CodedPicture>,
    sparse: SparseFrames,
  ): AsyncGenerator<CodedPicture> {
    let before: Group | null = null;
    let group: Group | null = null;
    for await (const picture of coded) {
      const slice = nalUnitsOf(picture.data, this.lengthBytes).find(isSlice);
      if (slice === undefined) throw new Failure('Internal', 'The encoder wrote a picture without a slice.');
      if (!isReference(slice) && group !== null) {
        group.pictures.push(picture);
        continue;
      }
      if (group !== null) yield* this.closed(group, before, sparse);
      before = group;
      const start: number = picture.isKey ? picture.frame : (group?.start ?? 0);
      group = { pictures: [picture], anchor: picture.frame, start, frameNumber: this.headOf(slice).frameNumber };
    }
    if (group === null) throw new Failure('Internal', 'The encoder wrote no picture.');
    yield* this.closed(group, before, sparse);
    yield* this.held(group, sparse.frameCount, sparse);
  }

  /** What stands still before a group, and the group. */
  private *closed(
    { pictures, anchor, start }: Group,
    before: Group | null,
    sparse: SparseFrames,
  ): Generator<CodedPicture> {
    const frames = pictures.map(({ frame }) => frame).sort((one, other) => one - other);
    const [first = anchor] = frames;
    if (anchor !== first + frames.length - 1) {
      throw new Failure('Internal', `The encoder left out a picture between ${first} and ${anchor}.`);
    }
    if (before !== null) yield* this.held(before, first, sparse);
    else if (first !== 0) throw new Failure('Internal', 'The encoder left out the first picture.');
    for (const picture of pictures) yield { ...picture, data: this.renumbered(picture, start) };
  }

  /** The picture of a group that others are predicted from, shown again up to, not including, `end`. */
  private *held({ anchor, start, frameNumber }: Group, end: number, { isSent }: SparseFrames): Generator<CodedPicture> {
    for (let frame = anchor + 1; frame < end; frame++) {
      if (isSent(frame)) throw new Failure('Internal', `The encoder left out picture ${frame}, which it was given.`);
      const slice = this.stillSlice(frameNumber + 1, frame - start);
      yield { data: packetOf([slice], this.lengthBytes), isKey: false, frame };
    }
  }

  /** The encoder's sequence parameters, with more bits for the pictures' numbers. */
  private widened(nal: Uint8Array): Uint8Array {
    const payload = withoutEmulationPrevention(nal.subarray(1));
    const bits = new BitReader(payload);
    const writer = new BitWriter().copy(bits, this.slices.orderAt).golomb(this.orderBits - 4);
    bits.golomb();
    writer.copy(bits, endOf(payload) - bits.position).trailing();
    return unitOf(nal[0] ?? 0, writer.bytes);
  }

  private renumbered({ data, frame }: CodedPicture, start: number): Uint8Array {
    const units = nalUnitsOf(data, this.lengthBytes).map((nal) =>
      isSlice(nal) ? this.renumberedSlice(nal, frame - start) : nal,
    );
    return packetOf(units, this.lengthBytes);
  }

  private renumberedSlice(nal: Uint8Array, order: number): Uint8Array {
    const { payload, end, orderAt } = this.headOf(nal);
    const bits = new BitReader(payload);
    const writer = new BitWriter().copy(bits, orderAt);
    this.writeOrder(writer, order);
    bits.skip(this.orderBits - MORE_BITS);
    writer.copy(bits, payload.byteLength * 8 - bits.position);
    const head = unitOf(nal[0] ?? 0, writer.bytes);
    if (end === nal.byteLength) return head;
    const slice = new Uint8Array(head.byteLength + nal.byteLength - end);
    slice.set(head);
    slice.set(nal.subarray(end), head.byteLength);
    return slice;
  }

  /** A slice's number among the pictures that others are predicted from, and where in its payload, in bits, its own begins. */
  private headOf(nal: Uint8Array): HeadBytes & { readonly frameNumber: number; readonly orderAt: number } {
    const head = headBytesOf(nal);
    const bits = new BitReader(head.payload);
    bits.golomb();
    bits.golomb();
    bits.golomb();
    const frameNumber = bits.read(this.slices.frameNumberBits);
    if (typeOf(nal) === NAL.idrSlice) bits.golomb();
    return { ...head, frameNumber, orderAt: bits.position };
  }

  private writeOrder(writer: BitWriter, frames: number): void {
    const order = ORDERS_PER_FRAME * frames;
    if (order < 0 || order >= 2 ** (this.orderBits - 1)) {
      throw new Failure('Internal', `The encoder wrote no keyframe in ${frames} pictures.`);
    }
    writer.write(order, this.orderBits);
  }

  /** A picture that is all as the one that others were predicted from last (7.3.3 and 7.3.4). */
  private stillSlice(frameNumber: number, order: number): Uint8Array {
    const { frameNumberBits, macroblocks } = this.slices;
    const writer = new BitWriter().golomb(0).golomb(P_SLICE).golomb(OWN_PICTURE_PARAMETERS);
    writer.write(frameNumber % 2 ** frameNumberBits, frameNumberBits);
    this.writeOrder(writer, order);
    // As many references as by default, in the default order; the quantiser of the parameters; no deblocking.
    writer.write(0, 1).write(0, 1).golomb(0).golomb(1);
    // mb_skip_run: all of them.
    writer.golomb(macroblocks).trailing();
    return unitOf(DISPOSABLE_SLICE, writer.bytes);
  }
}

/** A picture that others are predicted from, and those shown before it that follow it in the stream. */
interface Group {
  readonly pictures: CodedPicture[];
  readonly anchor: number;
  /** The keyframe from which its pictures are counted. */
  readonly start: number;
  readonly frameNumber: number;
}

/** Entropy coding by tables; one reference; no weights; deblocking can be turned off (7.3.2.2). */
function ownPictureParameters(): Uint8Array {
  const writer = new BitWriter().golomb(OWN_PICTURE_PARAMETERS).golomb(0);
  // Not CABAC, no bottom fields' numbers; one slice group; one reference of each list.
  writer.write(0, 2).golomb(0).golomb(0).golomb(0);
  // No weights; quantisers 26 and 26, chroma's as luma's.
  writer.write(0, 1).write(0, 2).golomb(0).golomb(0).golomb(0);
  // Deblocking control; intra prediction as usual; no redundant pictures.
  writer.write(1, 1).write(0, 1).write(0, 1).trailing();
  const reference = 3 << 5;
  return unitOf(reference | NAL.pictureParameters, writer.bytes);
}

const unitOf = (head: number, payload: Uint8Array): Uint8Array =>
  Buffer.concat([Uint8Array.of(head), withEmulationPrevention(payload)]);

/** Bits of a payload before its trailing ones. */
function endOf(payload: Uint8Array): number {
  const last = payload.findLastIndex((byte) => byte !== 0);
  const byte = payload[last] ?? 0;
  return last * 8 + 7 - Math.log2(byte & -byte);
}

interface HeadBytes {
  /** The beginning of a slice without emulation prevention, enough for its head. */
  readonly payload: Uint8Array;
  /** Where in its NAL unit that ends. */
  readonly end: number;
}

/** Up to two bytes that are not zero: what follows is written as it is, whatever becomes of what stands before. */
function headBytesOf(nal: Uint8Array): HeadBytes {
  let end = Math.min(HEAD_BYTES, nal.byteLength);
  while (end < nal.byteLength && (nal[end - 1] === 0 || nal[end - 2] === 0)) end += 1;
  return { payload: withoutEmulationPrevention(nal.subarray(1, end)), end };
}
