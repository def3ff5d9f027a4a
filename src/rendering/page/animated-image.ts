/** Pictures that move by themselves. Pure: told from their first bytes, as the formats define them. */

const text = (bytes: Uint8Array, start: number, end: number): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1', start, end);

/** How an animated picture's format is called; null for one that stands still, or is none. */
export function animatedFormatOf(bytes: Uint8Array): string | null {
  if (/^GIF8[79]a/.test(text(bytes, 0, 6))) return isAnimatedGif(bytes) ? 'GIF' : null;
  if (text(bytes, 1, 4) === 'PNG') return isAnimatedPng(bytes) ? 'PNG' : null;
  // VP8X comes first in a file that has it; the second bit of its flags says animation.
  if (text(bytes, 0, 4) === 'RIFF' && text(bytes, 8, 16) === 'WEBPVP8X') {
    return ((bytes[20] ?? 0) & 0x02) !== 0 ? 'WebP' : null;
  }
  if (text(bytes, 4, 12) === 'ftypavis') return 'AVIF';
  return isAnimatedSvg(bytes) ? 'SVG' : null;
}

/** More than one image descriptor; https://www.w3.org/Graphics/GIF/spec-gif89a.txt */
function isAnimatedGif(bytes: Uint8Array): boolean {
  const tableBytes = (flags: number): number => ((flags & 0x80) === 0 ? 0 : 3 * 2 ** ((flags & 0x07) + 1));
  let at = 13 + tableBytes(bytes[10] ?? 0);
  let images = 0;
  while (at < bytes.length) {
    const block = bytes[at];
    if (block === 0x2c) {
      images += 1;
      if (images > 1) return true;
      at += 10 + tableBytes(bytes[at + 9] ?? 0) + 1;
    } else if (block === 0x21) {
      at += 2;
    } else {
      return false;
    }
    // Sub-blocks: a length and as many bytes, up to a length of 0.
    for (let length = bytes[at] ?? 0; length > 0; length = bytes[at] ?? 0) at += length + 1;
    at += 1;
  }
  return false;
}

/** `acTL` with more than one frame, before the first `IDAT`; https://www.w3.org/TR/png-3/#11acTL */
function isAnimatedPng(bytes: Uint8Array): boolean {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 8; at + 12 <= bytes.length; at += 12 + view.getUint32(at)) {
    const type = text(bytes, at + 4, at + 8);
    if (type === 'acTL') return view.getUint32(at + 8) > 1;
    if (type === 'IDAT') return false;
  }
  return false;
}

/** As a picture an SVG runs its own clock, which no page can reach. */
function isAnimatedSvg(bytes: Uint8Array): boolean {
  if (!/^\s*(?:\uFEFF|\u00EF\u00BB\u00BF)?\s*<(?:\?xml|!|svg\b)/.test(text(bytes, 0, 64))) return false;
  const source = text(bytes, 0, bytes.length);
  return /<svg\b/.test(source) && /<(?:animate|animateTransform|animateMotion|set)\b|@keyframes\b/.test(source);
}
