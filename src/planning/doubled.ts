type Numbers = Float64Array<ArrayBuffer> | Int32Array<ArrayBuffer> | Uint32Array<ArrayBuffer> | Uint8Array<ArrayBuffer>;

/** The same numbers with room for twice as many, and for `atLeast`; what is new is 0. */
export function doubled<T extends Numbers>(from: T, atLeast = 0): T {
  const grown = new (from.constructor as new (length: number) => T)(Math.max(from.length * 2, atLeast));
  grown.set(from);
  return grown;
}
