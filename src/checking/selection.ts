/** Which checks run. Pure. */

import { RENDERED_CHECKS } from './rendered/index.ts';
import { STATIC_CHECKS } from './static/index.ts';

/** The proof of declared scenes, which has samples and options of its own. */
export const SCENES = 'scenes';
const SOURCE_IDS = STATIC_CHECKS.map(({ id }) => id);
const DRAWN_IDS = [...RENDERED_CHECKS.map(({ id }) => id), SCENES];

/** IDs of checks, in the order in which they run. */
export interface Selection {
  readonly sourceIds: readonly string[];
  readonly drawnIds: readonly string[];
}

export interface SelectionFlags {
  /** No check that draws. */
  readonly static?: boolean;
  readonly only?: readonly string[];
  readonly skip?: readonly string[];
}

/** A text says what is wrong with the flags. */
export function selectChecks({ static: isStatic = false, only = [], skip = [] }: SelectionFlags): Selection | string {
  const all = [...SOURCE_IDS, ...DRAWN_IDS];
  const unknown = [...only, ...skip].find((id) => !all.includes(id));
  if (unknown !== undefined) return `There is no check '${unknown}'. There are: ${all.join(', ')}.`;
  const isWanted = (id: string): boolean => (only.length === 0 || only.includes(id)) && !skip.includes(id);
  const selection = { sourceIds: SOURCE_IDS.filter(isWanted), drawnIds: isStatic ? [] : DRAWN_IDS.filter(isWanted) };
  const isNone = selection.sourceIds.length + selection.drawnIds.length === 0;
  return isNone
    ? `No check is left to run.${isStatic ? ' With --static there are those of the files alone.' : ''}`
    : selection;
}
