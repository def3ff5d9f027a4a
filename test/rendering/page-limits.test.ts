import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Failure } from '../../src/contracts/failures.ts';
import { loadTemplate, type Template } from '../../src/templates/template.ts';
import { type PageUnderTest, startPage, templateOf } from './page-support.ts';
import { failureOf, fixture, ROOT } from './support.ts';

let page: PageUnderTest;
let healthy: Template;
let expected: string;

beforeAll(async () => {
  page = await startPage({ loadMs: 4_000, paramsMs: 1_500, frameMs: 1_500 }, { width: 3840, height: 2160 });
  healthy = await fixture('tiny');
  await page.open(healthy);
  expected = await page.picture(20);
}, 60_000);
afterAll(async () => {
  await page?.[Symbol.asyncDispose]();
});

const assertGoesOn = async (): Promise<void> => {
  await page.open(healthy);
  expect(await page.picture(20)).toBe(expected);
};
const brief = ({ failureClass, message }: Failure) => ({ failureClass, message });

describe('a script that never ends is stopped and told, and the same browser goes on', () => {
  test('in seek', async () => {
    await page.open(await templateOf('<script>window.onSeek = (t) => { while (t > 1); };</script>'));
    await page.picture(32);
    expect(brief(await failureOf(page.picture(33)))).toEqual({
      failureClass: 'TemplateCrashed',
      message:
        "Template 'made' did not come back within 1500 ms at frame 33 of 64; its script was stopped. Look for a loop that never ends.",
    });
    await assertGoesOn();
  });

  test('in a promise that seek began', async () => {
    const html = '<script>window.onSeek = (t) => { if (t > 1) Promise.resolve().then(() => { for (;;); }); };</script>';
    await page.open(await templateOf(html));
    const failure = await failureOf(page.picture(40).then(() => page.picture(41)));
    expect(failure.failureClass).toBe('TemplateCrashed');
    await assertGoesOn();
  });

  test('where it takes params', async () => {
    const html = '<script>window.onParams = () => { for (;;); };</script>';
    expect(brief(await failureOf(page.open(await templateOf(html))))).toEqual({
      failureClass: 'TemplateCrashed',
      message:
        "Template 'made' did not come back within 1500 ms while it took params; its script was stopped. Look for a loop that never ends.",
    });
    await assertGoesOn();
  });

  test('while it is loaded', async () => {
    expect(brief(await failureOf(page.open(await templateOf('<script>for (;;);</script>'))))).toEqual({
      failureClass: 'TemplateNotReady',
      message: "Template 'made' did not load within 4000 ms: a script was still running, and was stopped.",
    });
    await assertGoesOn();
  });

  test('in a timer, again and again', async () => {
    const html =
      '<script>window.onParams = () => new Promise(() => { setInterval(() => { for (;;); }, 0); });</script>';
    const failure = await failureOf(page.open(await templateOf(html)));
    expect(failure.failureClass).toMatch(/^Template(Crashed|NotReady)$/);
    await assertGoesOn();
  });
});

describe('an error is told with its frame', () => {
  test('in seek, late in a long video', async () => {
    const html = '<script>window.onSeek = (t) => { if (t >= 6.25) throw new RangeError("no scene"); };</script>';
    const template = await templateOf(html, {}, { frameCount: 384, durationMs: 12_000 });
    await page.open(template);
    for (const frame of [0, 199]) await page.picture(frame);
    const failure = await failureOf(page.picture(200));
    expect(brief(failure)).toEqual({
      failureClass: 'TemplateCrashed',
      message: expect.stringMatching(
        /^Template 'made' threw RangeError at frame 200 of 384, at .*\(index\.html:1:\d+\)\.$/,
      ),
    });
    await assertGoesOn();
  });

  test('that a promise holds and nobody waits for', async () => {
    const html = '<script>window.onSeek = (t) => { if (t >= 1) Promise.reject(new TypeError("gone")); };</script>';
    await page.open(await templateOf(html));
    await page.picture(31);
    const failure = await failureOf(page.picture(32).then(() => page.picture(33)));
    expect(failure).toMatchObject({ failureClass: 'TemplateCrashed', detail: 'TypeError: gone' });
    await assertGoesOn();
  });
});

describe('sizes, rates and lengths', () => {
  const MOVING = `<div style="position: absolute; inset: 0"></div><script>
    window.onSeek = (t) => { document.querySelector('div').style.background = 'hsl(' + t * 90 + ' 70% 50%)'; };</script>`;

  test.each([
    ['1 by 1', { width: 1, height: 1 }],
    ['3840 by 2160', { width: 3840, height: 2160 }],
    ['odd, at 60 frames per second', { width: 321, height: 181, fps: 60, frameCount: 120 }],
  ])(
    '%s',
    async (_what, overrides) => {
      const template = await templateOf(MOVING, {}, overrides);
      await page.open(template);
      const last = template.frameCount - 1;
      const [first, end] = [await page.picture(0), await page.picture(last)];
      expect(end).not.toBe(first);
      expect(await page.picture(0)).toBe(first);
      expect(await page.evaluate('[innerWidth, innerHeight, Date.now()].join()')).toBe(
        `${template.width},${template.height},0`,
      );
    },
    60_000,
  );

  test('a single frame', async () => {
    await page.open(await templateOf(MOVING, {}, { fps: 1, frameCount: 1, durationMs: 1000 }));
    expect(await page.picture(0)).toBe(await page.picture(0));
  });

  test('ten minutes at 30 frames per second: what a page holds does not grow with its frames', async () => {
    const html = `<p>Text</p><style>p { animation: slide 3s infinite; transition: color 1s }
      @keyframes slide { to { transform: translateX(90px) } }</style><script>
      const loop = () => requestAnimationFrame(loop);
      loop();
      window.onSeek = (t) => {
        const p = document.querySelector('p');
        p.style.color = 'hsl(' + t + ' 70% 40%)';
        setTimeout(() => undefined, 0);
        p.textContent = t.toFixed(3);
      };</script>`;
    await page.open(await templateOf(html, {}, { fps: 30, frameCount: 18_000, durationMs: 600_000 }));
    const held = async (from: number): Promise<number> => {
      for (let frame = from; frame < from + 400; frame++) await page.page.seek(frame);
      await page.picture(from + 400);
      return await page.heapBytes();
    };
    await held(0);
    const before = await held(1_000);
    const after = [await held(9_000), await held(17_000)];
    // 400 frames that kept but 500 bytes each would show.
    for (const bytes of after) expect(bytes - before).toBeLessThan(200_000);
  }, 240_000);
});

test('the referral story takes new params in a warm page without being loaded again', async () => {
  const template = await loadTemplate(`${ROOT}/templates/referral`);
  await using patient = await startPage();
  await patient.open(template);
  await patient.evaluate('window.stillHere = true');
  await patient.open(template, { ...template.example, name: 'Grace Hopper' });
  expect(await patient.evaluate('window.stillHere')).toBe(true);
}, 60_000);
