/** What to run once the cause of a failure is gone. Pure. */

import { FAILURES, type FailureClass } from '../contracts/failures.ts';

export interface RepairedBatch {
  readonly batch: { readonly campaign: string; readonly businessDate: string; readonly attempt: number };
  readonly csv: boolean;
  readonly recipientLimit: number | null;
}

/** What only a new plan repairs: a corrected template or engine has another digest, corrected data are other rows, a lost page is written anew. */
const NEEDS_NEW_PLAN: readonly FailureClass[] = ['EngineMismatch', 'TemplateChanged', 'ManifestDamaged'];

const needsNewPlan = (failureClass: FailureClass): boolean =>
  ['author', 'data'].includes(FAILURES[failureClass].actor) || NEEDS_NEW_PLAN.includes(failureClass);

export interface Repair {
  /** `run`: the night is planned and run again. `backfill`: what is missing is rendered as it was planned. */
  readonly way: 'run' | 'backfill';
  readonly command: string;
}

export function repairOf(failureClass: FailureClass, { batch, csv, recipientLimit }: RepairedBatch): Repair {
  const night = `${batch.campaign} --date ${batch.businessDate}`;
  if (!needsNewPlan(failureClass)) {
    return { way: 'backfill', command: `nightreel backfill ${night} --attempt ${batch.attempt}` };
  }
  const same = [csv ? ' --csv FILE' : '', recipientLimit === null ? '' : ` --recipients ${recipientLimit}`];
  return { way: 'run', command: `nightreel run ${night}${same.join('')}` };
}
