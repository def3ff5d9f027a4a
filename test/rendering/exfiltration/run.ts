/**
 * Has the fixture `exfiltration` try its ways in a process, and a network if possible, of its own, and prints what came of it as
 * JSON: `run.ts guarded ROUTE`, `run.ts bare shell|full [FLAG …]`. See `network.ts`.
 */

import puppeteer from 'puppeteer';
import { findTools } from '../../../src/config/tools.ts';
import { CAPTURE_ROUTES, type CaptureRoute } from '../../../src/rendering/browser/flags.ts';
import { profileRoot } from '../../../src/rendering/browser/profiles.ts';
import { candidatesFor } from '../../../src/rendering/capture/probe.ts';
import { WarmBrowser } from '../../../src/rendering/warm-browser.ts';
import { loadTemplate, type Template } from '../../../src/templates/template.ts';
import { kinds } from '../browser-support.ts';
import { failureOf, fixture, keptLog, render, startRenderer } from '../support.ts';
import { Listener } from './listener.ts';
import { type Attempts, type BareResult, type GuardedResult, isAlone, packetsSent } from './network.ts';

const never = new AbortController().signal;
const size = { width: 320, height: 180 };
const IN_TEMPLATE = 'nightreelStage.document.defaultView';

async function guarded(route: CaptureRoute): Promise<GuardedResult> {
  const tiny = await fixture('tiny');
  await using listener = await Listener.start(isAlone());
  const hostile = await loadTemplate(listener.folder);
  const before = packetsSent();
  const rendered = await renderOnce(route, tiny, hostile);
  const tried = await tryAll(route, tiny, hostile);
  return { ...rendered, ...tried, reached: listener.names, packets: packetsSent() - before };
}

/** As a night would: it is refused, and the next one gets what it always gets. */
async function renderOnce(
  capture: CaptureRoute,
  tiny: Template,
  hostile: Template,
): Promise<Pick<GuardedResult, 'failure' | 'isSameAfterwards'>> {
  await using renderer = await startRenderer(tiny, { capture });
  const { sha256 } = await render(renderer, tiny);
  const { failureClass, message } = await failureOf(render(renderer, hostile));
  return { failure: { failureClass, message }, isSameAfterwards: (await render(renderer, tiny)).sha256 === sha256 };
}

/** All ways, whatever is refused on the way. */
async function tryAll(
  route: CaptureRoute,
  tiny: Template,
  hostile: Template,
): Promise<Pick<GuardedResult, 'attempts' | 'reads' | 'opens'>> {
  const [candidate] = candidatesFor(findTools(), route);
  if (candidate === undefined) throw new Error(`route ${route} cannot be tested here`);
  const deadlines = { loadMs: 20_000, paramsMs: 5_000 };
  await using browser = await WarmBrowser.launch(
    { ...candidate, profileRoot: profileRoot(), callLimitMs: 20_000, deadlines, log: keptLog() },
    never,
  );
  const { compositor, devtools } = browser;
  const open = (): Promise<string> =>
    browser.open(hostile, hostile.example, size).then(
      () => 'open',
      (error: unknown) => String(error),
    );
  const run = async (call: string): Promise<Record<string, string>> =>
    (await compositor.settle(devtools.evaluate(`${IN_TEMPLATE}.${call}`))) as Record<string, string>;
  const opens = [await open()];
  const attempts: Attempts = {};
  for (const when of ['load', 'params', 'seek'] as const) attempts[when] = await run(`tryAll('${when}')`);
  const reads = await run('readAll()');
  for (const target of ['location', 'top.location', 'top.document.querySelector("iframe").src']) {
    opens.push(await open());
    const leave = `${IN_TEMPLATE}.${target} = 'http://127.0.0.1:${hostilePort(hostile)}/${target}'`;
    await devtools.evaluate(leave);
    // It is there for the next one as if nothing had been.
    opens.push(
      await browser.open(tiny, tiny.example, size).then(
        () => 'open',
        (error: unknown) => String(error),
      ),
    );
  }
  return { attempts, reads, opens };
}

const hostilePort = (hostile: Template): string => /127\.1\.\d+\.\d+:(\d+)/.exec(hostile.html)?.[1] ?? '';

/** A browser as it comes, with nothing of ours. */
async function bare(kind: 'shell' | 'full', flags: readonly string[]): Promise<BareResult> {
  await using listener = await Listener.start(isAlone());
  const executable = kinds().find((one) => one.kind === kind)?.executable;
  if (executable === undefined) throw new Error(`there is no Chromium of kind ${kind}`);
  const browser = await puppeteer.launch({
    executablePath: executable,
    headless: kind === 'shell' ? 'shell' : true,
    pipe: true,
    args: ['--no-sandbox', '--autoplay-policy=no-user-gesture-required', ...flags],
  });
  try {
    const [page = await browser.newPage()] = await browser.pages();
    await page.goto(listener.address, { waitUntil: 'domcontentloaded', timeout: 20_000 });
    await page.evaluate(`postMessage({ type: 'hf-params', params: { name: 'Ada' } })`);
    const attempts: Attempts = { params: (await page.evaluate(`tryAll('params')`)) as Record<string, string> };
    const ways = (await page.evaluate('wayNames')) as string[];
    return { attempts, ways, reached: listener.names };
  } finally {
    await browser.close();
  }
}

const [mode = '', what = '', ...rest] = process.argv.slice(2);
const known = CAPTURE_ROUTES.find((route) => route === what);
let result: GuardedResult | BareResult;
if (mode === 'guarded' && known !== undefined) result = await guarded(known);
else if (mode === 'bare' && (what === 'shell' || what === 'full')) result = await bare(what, rest);
else throw new Error(`run.ts cannot be called with ${process.argv.slice(2).join(' ')}`);
process.stdout.write(`${JSON.stringify(result)}\n`);
