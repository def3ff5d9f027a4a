import { timingSafeEqual } from 'node:crypto';

/** Whether somebody knows a secret; found out in the same time wherever what they say differs from it. */
export function isSameSecret(given: string | undefined, secret: string): boolean {
  const [a, b] = [Buffer.from(given ?? ''), Buffer.from(secret)];
  return a.byteLength === b.byteLength && timingSafeEqual(a, b);
}
