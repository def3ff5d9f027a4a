import { timingSafeEqual } from 'node:crypto';

/** Whether somebody has the secret; answers in the same time wherever the two differ. */
export function isSameSecret(given: string | undefined, secret: string): boolean {
  const [a, b] = [Buffer.from(given ?? ''), Buffer.from(secret)];
  return a.byteLength === b.byteLength && timingSafeEqual(a, b);
}
