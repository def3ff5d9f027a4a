import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { COMPOSITIONS, openComposition } from '../../bench/compat/compositions.ts';
import type { Renderer } from '../../src/rendering/renderer.ts';
import { decodeFrame, failureOf, fixture, render, startRenderer } from './support.ts';

let renderer: Renderer;
beforeAll(async () => {
  renderer = await startRenderer(await fixture('tiny'));
});
afterAll(() => renderer[Symbol.asyncDispose]());

describe('a HyperFrames composition, unchanged', () => {
  test.each(Object.entries(COMPOSITIONS))('moves by %s: %s', async (name) => {
    await using composition = await openComposition(name);
    const { template, params } = composition;
    const video = await render(renderer, template, { params });
    expect(video).toMatchObject({ frameCount: template.frameCount, durationMs: template.durationMs });
    const [first, later] = [await decodeFrame(video.bytes, 1), await decodeFrame(video.bytes, video.frameCount >> 1)];
    expect(later.byteLength).toBeGreaterThan(0);
    expect(first.equals(later)).toBe(false);
  });

  test('shows the values that it is given', async () => {
    await using composition = await openComposition('variables');
    const { template, params } = composition;
    const [given, defaults] = [
      await render(renderer, template, { params }),
      await render(renderer, template, { params: {} }),
    ];
    const spelt = await render(renderer, template, { params: template.example });
    expect(given.sha256).not.toBe(defaults.sha256);
    expect(spelt.sha256).toBe(defaults.sha256);
  });

  test('whose script is on a network is refused', async () => {
    await using composition = await openComposition('gsap');
    const { template } = composition;
    const html = template.html.replace('gsap.min.js', 'https://cdn.example/gsap.min.js');
    const files = new Map([...template.files, ['index.html', Buffer.from(html)]]);
    const failure = await failureOf(render(renderer, { ...template, html, files, digest: 'cdn' }));
    expect(failure).toMatchObject({ failureClass: 'NetworkForbidden' });
  });
});
