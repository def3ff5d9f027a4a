/** One page, one recipient after the other: whoever comes next is not made to pay for the one before. */

import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { findTools } from '../../src/config/tools.ts';
import { CAPTURE_ROUTES } from '../../src/rendering/browser/flags.ts';
import { profileRoot } from '../../src/rendering/browser/profiles.ts';
import { candidatesFor } from '../../src/rendering/capture/probe.ts';
import { WarmBrowser } from '../../src/rendering/warm-browser.ts';
import type { Template } from '../../src/templates/template.ts';
import { never } from './browser-support.ts';
import { templateOf } from './page-support.ts';
import { keptLog } from './support.ts';

const SIZE = { width: 320, height: 180 };
const PARAMS_MS = 1_500;
/** Longer than params may take, with what they get beyond that. */
const BUSY_MS = 3_000;

describe.each(CAPTURE_ROUTES)('a warm browser on route %s', (route) => {
  let template: Template;
  let browser: WarmBrowser;

  beforeAll(async () => {
    template = await templateOf(`<p></p><script>
      window.onParams = ({ name }) => { document.querySelector('p').textContent = name; };
    </script>`);
    const [candidate] = candidatesFor(findTools(), route);
    if (candidate === undefined) throw new Error(`there is no browser for ${route}`);
    const limits = { callLimitMs: 20_000, deadlines: { loadMs: 20_000, paramsMs: PARAMS_MS } };
    browser = await WarmBrowser.launch({ ...candidate, ...limits, profileRoot: profileRoot(), log: keptLog() }, never);
  }, 60_000);
  afterAll(() => browser?.[Symbol.asyncDispose]());

  const inTemplate = (script: string): Promise<unknown> =>
    browser.devtools.evaluate(`nightreelStage.document.defaultView.eval(${JSON.stringify(script)})`);
  const shown = (): Promise<unknown> => inTemplate('document.body.innerText.trim()');

  /** As between two videos of a night. */
  async function finish(name: string): Promise<void> {
    const source = await browser.open(template, { name }, SIZE);
    for await (const _ of source.frames({ start: 0, end: 3 }, never));
    const { devtools } = browser;
    const asked = jest.spyOn(devtools, 'evaluate');
    browser.rewind();
    await asked.mock.results[0]?.value;
    asked.mockRestore();
  }

  test('gives a page that stands at its beginning params without a wait', async () => {
    await finish('Ada');
    const asked = jest.spyOn(browser.devtools, 'evaluate');
    const opening = browser.open(template, { name: 'Grace' }, SIZE);
    const atOnce = asked.mock.calls.map(([expression]) => /nightreelStage\.view|applyParams/.exec(expression)?.[0]);
    asked.mockRestore();
    await opening;
    expect(atOnce).toEqual(['nightreelStage.view', 'applyParams']);
    expect(await shown()).toBe('Grace');
  });

  test('keeps what the one before says and throws late from the next, and gives the next all of its time', async () => {
    await finish('Ada');
    const busy = inTemplate(`{
      const end = __HF_VIRTUAL_TIME__.originalNow() + ${BUSY_MS};
      while (__HF_VIRTUAL_TIME__.originalNow() < end);
      console.error('Ada owes');
      reportError(new Error('Ada owes'));
      0;
    }`);
    await browser.open(template, { name: 'Grace' }, SIZE);
    await busy;
    expect(await shown()).toBe('Grace');
    expect(browser.messages).toEqual([]);
    expect(() => browser.assertClean()).not.toThrow();
  });

  test('comes back from wherever a script has taken the window', async () => {
    await finish('Ada');
    await browser.devtools.send('Page.navigate', { url: 'about:blank' });
    await browser.open(template, { name: 'Grace' }, SIZE);
    expect(await shown()).toBe('Grace');
  });

  test('does not give the next one the params of one whose view could not be set', async () => {
    await finish('Ada');
    await browser.devtools.evaluate(`{ const { view } = nightreelStage; nightreelStage.view = () => {
      nightreelStage.view = view;
      throw new Error('no view');
    } }`);
    await expect(browser.open(template, { name: 'Grace' }, SIZE)).rejects.toThrow('no view');
    await sleep(100);
    await browser.open(template, { name: 'Mary' }, SIZE);
    expect(await shown()).toBe('Mary');
  });
});
