/** What may name a recipient. */

/** An S3 key holds 1,024 bytes, and percent-encoding triples what is not plain: pointer keys shorten the longest by hash. */
const MAX_BYTES = 512;

/**
 * What is wrong with a recipient ID, or null when nothing is: 1 to 512 bytes of valid UTF-8 with something to see in
 * them and no control characters. Slashes, spaces and every script are welcome; storage encodes them in pointer keys.
 */
export function recipientIdProblem(id: string | null): string | null {
  if (id === null || id.trim() === '') return 'the recipient ID is empty';
  if (!id.isWellFormed()) return 'the recipient ID is not valid Unicode';
  if (/\p{Cc}/u.test(id)) return 'the recipient ID holds a control character';
  if (Buffer.byteLength(id) > MAX_BYTES) return `the recipient ID is longer than ${MAX_BYTES} bytes`;
  return null;
}
