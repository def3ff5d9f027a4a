/** Different texts, numbered from 0 as they come. A million IDs take some 40 MB here and three times that in a Map. */

import { doubled } from './doubled.ts';

/** Slots to begin with; always a power of two, and at least twice as many as texts. */
const FIRST_SLOTS = 4096;
const EMPTY = -1;

/** FNV-1a, 32 bits. */
function hashOf(bytes: Uint8Array): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < bytes.length; at += 1) hash = Math.imul(hash ^ (bytes[at] ?? 0), 0x01000193);
  return hash >>> 0;
}

export class TextIndex {
  readonly #encoding: 'utf8' | 'hex';
  /** Numbers of texts by hash, with linear probing. */
  #slots = new Int32Array(FIRST_SLOTS).fill(EMPTY);
  #hashes = new Uint32Array(FIRST_SLOTS / 2);
  /** Where each text ends in `#bytes`. */
  #ends = new Uint32Array(FIRST_SLOTS / 2);
  #bytes = Buffer.allocUnsafe(FIRST_SLOTS * 8);
  #size = 0;

  /** @param encoding what the texts are kept as; `hex` for lower-case digests. Texts must be well-formed Unicode. */
  constructor(encoding: 'utf8' | 'hex') {
    this.#encoding = encoding;
  }

  get size(): number {
    return this.#size;
  }

  /** The text's number; undefined for one that never came. */
  get(text: string): number | undefined {
    const found = this.#slots[this.#slotOf(this.#bytesOf(text)).slot] ?? EMPTY;
    return found === EMPTY ? undefined : found;
  }

  /** The text's number, a new one where it has none. */
  add(text: string): number {
    const bytes = this.#bytesOf(text);
    const { slot, hash } = this.#slotOf(bytes);
    const found = this.#slots[slot] ?? EMPTY;
    if (found !== EMPTY) return found;
    const number = this.#size;
    const start = this.#startOf(number);
    if (start + bytes.length > this.#bytes.length) this.#bytes = grownBytes(this.#bytes, start + bytes.length);
    bytes.copy(this.#bytes, start);
    this.#slots[slot] = number;
    this.#hashes[number] = hash;
    this.#ends[number] = start + bytes.length;
    this.#size += 1;
    if (this.#size === this.#ends.length) this.#grow();
    return number;
  }

  /** The text of a number below `size`. */
  at(number: number): string {
    return this.#bytes.toString(this.#encoding, this.#startOf(number), this.#ends[number]);
  }

  /** All texts, in the order of their numbers. */
  *[Symbol.iterator](): Generator<string, void, undefined> {
    for (let number = 0; number < this.#size; number += 1) yield this.at(number);
  }

  #bytesOf(text: string): Buffer {
    const bytes = Buffer.from(text, this.#encoding);
    if (this.#encoding === 'hex' && bytes.length * 2 !== text.length) throw new TypeError(`not hex: ${text}`);
    return bytes;
  }

  #startOf(number: number): number {
    return number === 0 ? 0 : (this.#ends[number - 1] ?? 0);
  }

  /** Where the text stands, or would. */
  #slotOf(bytes: Buffer): { readonly slot: number; readonly hash: number } {
    const hash = hashOf(bytes);
    const mask = this.#slots.length - 1;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const number = this.#slots[slot] ?? EMPTY;
      if (number === EMPTY) return { slot, hash };
      if (this.#hashes[number] !== hash) continue;
      if (this.#bytes.compare(bytes, 0, bytes.length, this.#startOf(number), this.#ends[number]) === 0) {
        return { slot, hash };
      }
    }
  }

  #grow(): void {
    const slots = new Int32Array(this.#slots.length * 2).fill(EMPTY);
    this.#hashes = doubled(this.#hashes);
    this.#ends = doubled(this.#ends);
    const mask = slots.length - 1;
    for (let number = 0; number < this.#size; number += 1) {
      let slot = (this.#hashes[number] ?? 0) & mask;
      while (slots[slot] !== EMPTY) slot = (slot + 1) & mask;
      slots[slot] = number;
    }
    this.#slots = slots;
  }
}

function grownBytes(from: Buffer, needed: number): Buffer<ArrayBuffer> {
  const grown = Buffer.allocUnsafe(Math.max(from.length * 2, needed));
  from.copy(grown);
  return grown;
}
