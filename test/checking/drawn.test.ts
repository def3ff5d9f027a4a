/** Checks that draw are run one after the other, in one browser; what a template does wrong in them is a finding. */

import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { checkDrawn } from '../../src/checking/check-drawn.ts';
import type { RenderedCheck } from '../../src/checking/rendered/rendered-check.ts';
import { Failure } from '../../src/contracts/failures.ts';
import { RENDITIONS } from '../../src/contracts/video.ts';
import type { Renderer } from '../../src/rendering/renderer.ts';
import { fixture, startRenderer } from '../rendering/support.ts';

let renderer: Renderer;
beforeAll(async () => {
  renderer = await startRenderer(await fixture('tiny'));
});
afterAll(() => renderer[Symbol.asyncDispose]());

const rendition = RENDITIONS['email-480p'];
const drawing = (id: string): RenderedCheck => ({
  id,
  async run({ template, samples: [params], signal, onStep }) {
    onStep('drawing');
    if (params === undefined) return [];
    const frames: number[] = [];
    const request = { template, params, rendition, scene: { start: 0, end: template.frameCount } };
    await renderer.capture(request, ({ index }) => void frames.push(index), { signal });
    const about = { rule: id, severity: 'warning', file: null, line: null } as const;
    return [{ ...about, what: `${frames.length} frames were drawn.`, why: 'None.', fix: 'None.' }];
  },
});
const check = async (name: string, checks: readonly RenderedCheck[], signal = new AbortController().signal) => {
  const steps: string[] = [];
  const onStep = (id: string, step: string): void => void steps.push(`${id}: ${step}`);
  const template = await fixture(name);
  return { findings: await checkDrawn(checks, renderer, template, { rendition, signal, onStep }), steps };
};

test('each gets the browser and the samples, and says what it is about', async () => {
  const { findings, steps } = await check('tiny', [drawing('one'), drawing('two')]);
  expect(findings).toMatchObject([
    { rule: 'one', what: '64 frames were drawn.' },
    { rule: 'two', what: '64 frames were drawn.' },
  ]);
  expect(steps).toEqual(['one: begins', 'one: drawing', 'two: begins', 'two: drawing']);
});

test('a template that throws is a finding, told once, and the checks after it run', async () => {
  const { findings, steps } = await check('throws-in-seek', [drawing('one'), drawing('two')]);
  expect(findings).toMatchObject([
    {
      rule: 'drawing-failed',
      severity: 'error',
      what: expect.stringMatching(/^Check 'one' could not draw the template/),
    },
  ]);
  expect(steps).toContain('two: drawing');
});

test('what is no fault of the template ends the command', async () => {
  const stop = new AbortController();
  stop.abort(new Failure('Cancelled', 'The check was stopped.'));
  await expect(check('tiny', [drawing('one')], stop.signal)).rejects.toThrow('The check was stopped.');
});
