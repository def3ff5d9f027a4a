/** What a render that fails leaves: on every route a picture of this recipient's page, and of nobody else's. */

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import sharp from 'sharp';
import { Failure } from '../../src/contracts/failures.ts';
import { RENDITIONS } from '../../src/contracts/video.ts';
import { CAPTURE_ROUTES } from '../../src/rendering/browser/flags.ts';
import type { Evidence } from '../../src/rendering/evidence.ts';
import type { Renderer } from '../../src/rendering/renderer.ts';
import type { Template } from '../../src/templates/template.ts';
import { failureOf, fixture, startRenderer, tinyThat } from './support.ts';

const RENDITION = RENDITIONS['email-480p'];
const SIZE = { width: 854, height: 480 };
const RED = { name: 'Before', colour: '#ff0000' };

async function failing(
  renderer: Renderer,
  template: Template,
  params: Record<string, unknown> = template.example,
): Promise<Evidence & { readonly failureClass: string }> {
  const seen: Evidence[] = [];
  const { signal } = new AbortController();
  const options = { signal, onFailure: (evidence: Evidence) => void seen.push(evidence) };
  const { failureClass } = await failureOf(renderer.render({ template, params, rendition: RENDITION }, options));
  const [evidence] = seen;
  if (evidence === undefined || seen.length > 1) throw new Error(`${seen.length} times evidence`);
  return { ...evidence, failureClass };
}

/** Share of pixels that are red. */
async function redness({ screenshot }: Evidence): Promise<number> {
  const { data, info } = await sharp(screenshot?.jpeg).raw().toBuffer({ resolveWithObject: true });
  expect({ width: info.width, height: info.height }).toEqual(SIZE);
  let red = 0;
  for (let at = 0; at < data.length; at += info.channels) {
    if ((data[at] ?? 0) > 200 && (data[at + 1] ?? 0) < 60 && (data[at + 2] ?? 0) < 60) red += 1;
  }
  return red / (info.width * info.height);
}

describe.each(CAPTURE_ROUTES)('on route %s', (route) => {
  let renderer: Renderer;
  beforeAll(async () => {
    renderer = await startRenderer(await fixture('tiny'), { capture: route });
  }, 120_000);
  afterAll(() => renderer?.[Symbol.asyncDispose]());

  test('a template that throws in a frame is shown as it was then', async () => {
    const template = await fixture('throws-in-seek');
    const evidence = await failing(renderer, template, RED);
    expect(evidence).toMatchObject({ failureClass: 'TemplateCrashed', stage: 'capture', screenshot: SIZE });
    expect(evidence.lastFrame).toBeGreaterThan(0);
    expect(evidence.messages.at(-1)).toMatchObject({ level: 'thrown', place: expect.stringContaining('index.html') });
    expect(await redness(evidence)).toBeGreaterThan(0.5);
  }, 60_000);

  test('one that fails before it has taken the params does not show whoever was there before', async () => {
    await using broken = await tinyThat("if (params.name === 'After') throw new Error('not yet');");
    await renderer.render({ template: broken.template, params: RED, rendition: RENDITION }, never());
    const evidence = await failing(renderer, broken.template, { name: 'After' });
    expect(evidence).toMatchObject({ failureClass: 'TemplateCrashed', stage: 'params', screenshot: SIZE });
    expect(await redness(evidence)).toBe(0);
    await renderer.render({ template: broken.template, params: RED, rendition: RENDITION }, never());
  }, 60_000);
});

describe('what a template leaves when it fails', () => {
  let renderer: Renderer;
  beforeAll(async () => {
    renderer = await startRenderer(await fixture('tiny'), { paramsLimitMs: 1_500 });
  }, 120_000);
  afterAll(() => renderer?.[Symbol.asyncDispose]());

  test('is what it told its console, the last of it, each with its place', async () => {
    const says = "for (let i = 0; i < 30; i++) console.warn('step', i, { a: 1 });";
    await using broken = await tinyThat(`${says} console.log(new Error('inner')); throw new Error('outer');`);
    const { messages } = await failing(renderer, broken.template);
    expect(messages).toHaveLength(20);
    const place = expect.stringMatching(/^at apply \(index\.html:\d+:\d+\)$/);
    expect(messages.slice(-3)).toEqual([
      { level: 'warning', text: 'step 29 Object', place },
      { level: 'info', text: 'Error: inner', place },
      { level: 'thrown', text: 'Error: outer', place },
    ]);
  }, 60_000);

  test('is no picture where it would never come back: nobody waits for it, and the browser is lent on', async () => {
    await using broken = await tinyThat("if (params.name === 'After') for (;;);");
    await renderer.render({ template: broken.template, params: RED, rendition: RENDITION }, never());
    const { discarded } = renderer.poolState;
    expect(await failing(renderer, broken.template, { name: 'After' })).toMatchObject({ screenshot: null });
    expect(renderer.poolState.discarded).toBe(discarded);
  }, 60_000);

  test('that never answers is shown as it waits', async () => {
    await using broken = await tinyThat(
      "if (params.name === 'After') { document.body.style.background = '#f00'; params = null; }",
    );
    await renderer.render({ template: broken.template, params: { name: 'One' }, rendition: RENDITION }, never());
    const evidence = await failing(renderer, broken.template, { name: 'After' });
    expect(await redness(evidence)).toBeGreaterThan(0.5);
  }, 60_000);

  const REWINDS = `if (!window.wrapped) {
    window.wrapped = true;
    const own = window.__hf.seek;
    window.__hf.seek = (t) => {
      own(t);
      if (t === 0) console.warn('at the beginning for ' + window.shown);
      if (window.shown === 'After' && t > 0.5) throw new Error('no more');
    };
  }
  window.shown = params.name;`;

  test('says nothing of whoever was there before, also where their render was cancelled', async () => {
    await using broken = await tinyThat(REWINDS);
    const stop = new AbortController();
    const onProgress = ({ frame }: { readonly frame: number }) => {
      if (frame === 10) stop.abort(new Failure('Cancelled', 'Enough.'));
    };
    const before = { template: broken.template, params: RED, rendition: RENDITION };
    await failureOf(renderer.render(before, { signal: stop.signal, onProgress }));
    const { messages } = await failing(renderer, broken.template, { name: 'After' });
    expect(messages.map(({ text }) => text)).toEqual(['at the beginning for After', 'Error: no more']);
  }, 60_000);

  test('shows and says nothing of whoever was there before, also where its page was not even asked for', async () => {
    const stage = 'top.nightreelStage';
    const refuses = `{ const { view } = ${stage}; ${stage}.view = () => { ${stage}.view = view; throw new Error('no'); }; }`;
    await using broken = await tinyThat(`${REWINDS} if (params.name === 'Before') ${refuses}`);
    await renderer.render({ template: broken.template, params: RED, rendition: RENDITION }, never());
    const evidence = await failing(renderer, broken.template, { name: 'After' });
    expect(evidence).toMatchObject({ stage: 'params', messages: [], lastFrame: null, screenshot: SIZE });
    expect(await redness(evidence)).toBe(0);
  }, 60_000);

  test('is no picture once the browser is given back: it is somebody else’s by then', async () => {
    const evidence = await failing(renderer, await fixture('blank'));
    expect(evidence).toMatchObject({ failureClass: 'OutputInvalid', stage: 'verify', screenshot: null });
    expect(evidence.lastFrame).toBe(63);
  }, 60_000);
});

const never = () => ({ signal: new AbortController().signal });
