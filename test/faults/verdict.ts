import type { Fault, Verdict } from './night.ts';

/** What is wrong with what a night left; nothing when all is as promised. */
export function complaintsOf({ bug, failureClass, isRepeated = false }: Fault, verdict: Verdict): string[] {
  const zeros = (['lost', 'duplicates', 'partialObjects', 'orphans'] as const).filter((name) => verdict[name] !== 0);
  const complaints = zeros.map((name) => `${name} is ${verdict[name]} and not 0`);
  // A trouble of the store meets whom it meets.
  const expected = isRepeated && verdict.class === null ? null : (failureClass ?? null);
  if (verdict.class !== expected) complaints.push(`failed by ${verdict.class} and not by ${expected}`);
  const isShort =
    bug === undefined || failureClass === undefined ? verdict.stored !== verdict.variants : verdict.stored === 0;
  if (isShort) complaints.push(`${verdict.stored} of ${verdict.variants} videos are stored`);
  return complaints;
}
