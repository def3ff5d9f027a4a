/** Bits as H.264's syntax has them (Rec. ITU-T H.264, 7.2 and 9.1). */

/** Bytes of a payload without emulation prevention. Throws RangeError past their end. */
export class BitReader {
  /** Bits read so far. */
  position = 0;
  private readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  /** u(n), up to 32 bits. */
  read(count: number): number {
    let value = 0;
    for (let bit = 0; bit < count; bit++) {
      const byte = this.bytes[this.position >> 3];
      if (byte === undefined) throw new RangeError('The NAL unit ends too early.');
      value = value * 2 + ((byte >> (7 - (this.position & 7))) & 1);
      this.position += 1;
    }
    return value;
  }

  flag(): boolean {
    return this.read(1) === 1;
  }

  skip(count: number): void {
    this.position += count;
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

export class BitWriter {
  private readonly bits: number[] = [];

  /** u(n). */
  write(value: number, count: number): this {
    for (let bit = count - 1; bit >= 0; bit--) this.bits.push(Math.floor(value / 2 ** bit) & 1);
    return this;
  }

  /** ue(v). */
  golomb(value: number): this {
    const length = Math.floor(Math.log2(value + 1));
    return this.write(0, length).write(value + 1, length + 1);
  }

  /** The next bits of another payload. */
  copy(from: BitReader, count: number): this {
    for (let bit = 0; bit < count; bit++) this.bits.push(from.read(1));
    return this;
  }

  /** A payload's end: a one, and zeros up to the next byte. */
  trailing(): this {
    this.write(1, 1);
    return this.write(0, (8 - (this.bits.length & 7)) & 7);
  }

  /** A whole number of bytes. */
  get bytes(): Uint8Array {
    const bytes = new Uint8Array(this.bits.length >> 3);
    for (const [at, bit] of this.bits.entries()) bytes[at >> 3] = ((bytes[at >> 3] ?? 0) << 1) | bit;
    return bytes;
  }
}

/** Takes the 3 out of every 0 0 3, where it only keeps the bytes from looking like a start code. */
export function withoutEmulationPrevention(bytes: Uint8Array): Uint8Array {
  return bytes.filter((byte, at) => byte !== 3 || at < 2 || bytes[at - 1] !== 0 || bytes[at - 2] !== 0);
}

/** Puts it back. */
export function withEmulationPrevention(bytes: Uint8Array): Uint8Array {
  const out: number[] = [];
  let zeros = 0;
  for (const byte of bytes) {
    if (zeros === 2 && byte <= 3) {
      out.push(3);
      zeros = 0;
    }
    out.push(byte);
    zeros = byte === 0 ? zeros + 1 : 0;
  }
  // No NAL unit ends with a zero.
  if (zeros > 0) out.push(3);
  return Uint8Array.from(out);
}
