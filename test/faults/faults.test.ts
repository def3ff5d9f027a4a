/** Some of the faults of `npm run test:faults`, with few variants; and that a night which went wrong is not taken for a good one. */

import { describe, expect, test } from '@jest/globals';
import { FAULTS } from './faults.ts';
import { run, type Verdict } from './night.ts';
import { complaintsOf } from './verdict.ts';

const VARIANTS = 16;
/** Of twelve megabytes each. */
const LARGE_VARIANTS = 8;
const MINUTE = 60_000;

const faultOf = (name: string) => {
  const fault = FAULTS.find((one) => one.name === name);
  if (fault === undefined) throw new Error(`no fault ${name}`);
  return fault;
};

test.each(['browser-killed', 'orchestrator-killed', 'upload-killed', 's3-reset', 's3-403'])(
  'nobody is lost and nothing is left over: %s',
  async (name) => {
    const fault = faultOf(name);
    const verdict = await run(fault, fault.campaign === 'grain' ? LARGE_VARIANTS : VARIANTS);
    expect({ verdict, complaints: complaintsOf(fault, verdict) }).toMatchObject({ complaints: [] });
  },
  5 * MINUTE,
);

describe('a verdict', () => {
  const good: Verdict = {
    ...{ fault: 's3-500', variants: 10, stored: 10, lost: 0, duplicates: 0, partialObjects: 0, orphans: 0 },
    class: null,
  };

  test('of a night that went well is not complained about', () => {
    expect(complaintsOf(faultOf('s3-500'), good)).toEqual([]);
    const thrown = { ...good, fault: 'template-throws', stored: 4, class: 'TemplateCrashed' };
    expect(complaintsOf(faultOf('template-throws'), thrown)).toEqual([]);
  });

  test.each([
    { lost: 1 },
    { duplicates: 1 },
    { partialObjects: 1 },
    { orphans: 1 },
    { stored: 9 },
    { class: 'Internal' },
  ])('is complained about with %j', (change) => {
    expect(complaintsOf(faultOf('s3-500'), { ...good, ...change })).toHaveLength(1);
  });

  test('is complained about when nothing failed that should have', () => {
    expect(complaintsOf(faultOf('template-throws'), { ...good, stored: 4 })).toHaveLength(1);
  });
});
