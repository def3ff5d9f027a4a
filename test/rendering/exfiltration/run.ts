/**
 * Has the fixture `exfiltration` try its ways in a process, and a network if possible, of its own, and prints what came of it as
 * JSON. `guarded ROUTE [FLAG …]`: as renders do it, without these of Chromium's flags; `bare shell|full`: in a browser as it comes.
 */

import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import puppeteer, { type Page } from 'puppeteer';
import { findTools } from '../../../src/config/tools.ts';
import type { DevTools } from '../../../src/rendering/browser/devtools.ts';
import { CAPTURE_ROUTES, type CaptureRoute } from '../../../src/rendering/browser/flags.ts';
import { processesOfGroup } from '../../../src/rendering/browser/process-tree.ts';
import { profileRoot, profileRoots } from '../../../src/rendering/browser/profiles.ts';
import { type Candidate, candidatesFor } from '../../../src/rendering/capture/probe.ts';
import { WarmBrowser } from '../../../src/rendering/warm-browser.ts';
import { loadTemplate, type Template } from '../../../src/templates/template.ts';
import { kinds } from '../browser-support.ts';
import { descendantsOf, failureOf, fixture, keptLog, render, startRenderer } from '../support.ts';
import { Listener } from './listener.ts';
import { type Attempts, type BareResult, CANARY, type GuardedResult, isAlone, packetsSent } from './network.ts';

const never = new AbortController().signal;
const size = { width: 320, height: 180 };
const IN_TEMPLATE = 'nightreelStage.document.defaultView';
const OPENINGS = 5;
const LOOKS = 100;
const LOOK_PAUSE_MS = 50;
const ASKED_LIMIT_MS = 20_000;
/** For whoever has to find out where it stood still. */
const tell = (what: string): void => void process.stderr.write(`${(performance.now() / 1000).toFixed(1)} s: ${what}\n`);

async function guarded(route: CaptureRoute, without: readonly string[]): Promise<GuardedResult> {
  const tiny = await fixture('tiny');
  await using listener = await Listener.start(isAlone());
  const hostile = await loadTemplate(listener.folder);
  const [candidate] = candidatesFor(findTools(), route);
  if (candidate === undefined) throw new Error(`route ${route} cannot be tested here`);
  const executable = await stripped(candidate.executable, without, listener.folder);
  const before = packetsSent();
  const tried = await tryAll({ ...candidate, executable }, tiny, hostile);
  const rendered = without.length > 0 ? null : await renderOnce(route, tiny, hostile);
  return { ...tried, rendered, reached: listener.names, packets: packetsSent() - before };
}

/** A program that starts another without some of its flags. */
async function stripped(executable: string, flags: readonly string[], folder: string): Promise<string> {
  if (flags.length === 0) return executable;
  const path = join(folder, 'chromium.sh');
  const cases = flags.map((flag) => `'${flag}'|'${flag}='*`).join('|');
  const script = `#!/bin/sh
for one in "$@"; do
  shift
  case $one in ${cases}) ;; *) set -- "$@" "$one" ;; esac
done
exec '${executable}' "$@"
`;
  await writeFile(path, script);
  await chmod(path, 0o755);
  return path;
}

/** All ways, whatever is refused on the way. */
async function tryAll(
  candidate: Candidate,
  tiny: Template,
  hostile: Template,
): Promise<Pick<GuardedResult, 'attempts' | 'reads' | 'asks' | 'leaves' | 'sandboxed' | 'downloads'>> {
  const deadlines = { loadMs: 20_000, paramsMs: 5_000 };
  await using browser = await WarmBrowser.launch(
    { ...candidate, profileRoot: profileRoot(), callLimitMs: 20_000, deadlines, log: keptLog() },
    never,
  );
  const { compositor, devtools } = browser;
  await openWhole(browser, hostile);
  const run = async (call: string): Promise<Record<string, string>> => {
    tell(call);
    return (await compositor.settle(devtools.evaluate(`${IN_TEMPLATE}.${call}`))) as Record<string, string>;
  };
  const attempts: Attempts = { load: await run(`tryAll('load')`), later: await run(`tryAll('later')`) };
  const [reads, asks] = [await run('readAll()'), await run('askAll()')];
  const leaves: string[] = [];
  const elsewhere = `http://127.0.0.1:${/127\.1\.\d+\.\d+:(\d+)/.exec(hostile.html)?.[1]}/leave`;
  for (const target of ['location', 'top.location', 'top.frames[0].location']) {
    tell(`goes elsewhere by ${target}`);
    await browser.open(tiny, tiny.example, size);
    // On a busy machine its request would else come when the next one is open already.
    const asks = asksFor(devtools, elsewhere);
    await devtools.evaluate(`setTimeout(() => { ${IN_TEMPLATE}.${target} = '${elsewhere}' })`);
    await compositor.settle(asks);
    // It goes while it gets its next params, and is refused, or has gone already.
    await browser.open(tiny, tiny.example, size).catch(() => undefined);
    const opened = await browser.open(tiny, tiny.example, size).then(
      () => 'open',
      (error: unknown) => String(error),
    );
    leaves.push(opened);
  }
  return { attempts, reads, asks, leaves, sandboxed: await sandboxed(browser.pid ?? 0), downloads: await downloads() };
}

/** Resolves once the browser has asked for an address, and has said which document does: only then is it blamed for it. */
async function asksFor({ session }: DevTools, address: string): Promise<void> {
  const isAsked = new Promise<void>((resolve) => {
    session.on('Fetch.requestPaused', ({ request }) => request.url === address && resolve());
  });
  const isKnown = new Promise<void>((resolve) => {
    session.on('Network.requestWillBeSent', ({ request }) => request.url === address && resolve());
  });
  const late = sleep(ASKED_LIMIT_MS, null, { ref: false }).then(() => {
    throw new Error(`Nobody asked for ${address} within ${ASKED_LIMIT_MS} ms.`);
  });
  await Promise.race([Promise.all([isAsked, isKnown]), late]);
}

/** It is refused as soon as it asks for something, which may be before all of its scripts are there, and may keep them from coming. */
async function openWhole(browser: WarmBrowser, hostile: Template): Promise<void> {
  const { compositor, devtools } = browser;
  for (let opening = 0; opening < OPENINGS; opening++) {
    tell('opens the template');
    const refusal = await browser.open(hostile, hostile.example, size).then(() => 'opened', String);
    for (let look = 0; look < LOOKS; look++) {
      const type = await compositor.settle(devtools.evaluate(`typeof ${IN_TEMPLATE}.tryAll`));
      if (type === 'function') return;
      await sleep(LOOK_PAUSE_MS);
    }
    tell(`its scripts do not come: ${refusal}`);
    await browser.unload();
  }
  throw new Error(`The scripts of the template were not there after ${OPENINGS} openings.`);
}

/** For each process that runs a page's code: whether Chromium's filter of system calls is on (proc(5), Seccomp). */
async function sandboxed(group: number): Promise<boolean[]> {
  const pages = processesOfGroup(group).filter(({ commandLine }) => commandLine().includes('--type=renderer'));
  const texts = await Promise.all(pages.map(({ pid }) => readFile(`/proc/${pid}/status`, 'utf8')));
  return texts.map((text) => /^Seccomp:\s+2$/m.test(text));
}

async function downloads(folders: readonly string[] = profileRoots()): Promise<string[]> {
  const lists = await Promise.all(folders.map((root) => readdir(root, { recursive: true }).catch((): string[] => [])));
  return lists.flat().filter((path) => path.includes('nightreel-download'));
}

/** As a night would: it is refused, and the next one gets what it always gets. No process of it knows this one's environment. */
async function renderOnce(
  capture: CaptureRoute,
  tiny: Template,
  hostile: Template,
): Promise<GuardedResult['rendered']> {
  await using renderer = await startRenderer(tiny, { capture });
  const programs = new Set<string>();
  const knowing = new Set<string>();
  const look = async (): Promise<void> => {
    for (const [pid, command] of descendantsOf(process.pid)) {
      const environment = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => null);
      const [path = ''] = command.split(' ');
      const program = path.slice(path.lastIndexOf('/') + 1);
      if (environment !== null) programs.add(program);
      if (environment?.includes(CANARY)) knowing.add(program);
    }
  };
  const looks: Promise<void>[] = [];
  const { sha256 } = await render(renderer, tiny, {
    onProgress: ({ frame }) => void (frame === 32 && looks.push(look())),
  });
  await Promise.all(looks);
  const { failureClass, message } = await failureOf(render(renderer, hostile));
  return {
    failure: { failureClass, message },
    isSameAfterwards: (await render(renderer, tiny)).sha256 === sha256,
    programs: [...programs].sort(),
    knowing: [...knowing],
  };
}

/** A browser as it comes, with nothing of ours. */
async function inBareBrowser<Result>(
  kind: 'shell' | 'full',
  work: (page: Page, home: string) => Promise<Result>,
): Promise<Result> {
  const executable = kinds().find((one) => one.kind === kind)?.executable;
  if (executable === undefined) throw new Error(`there is no Chromium of kind ${kind}`);
  const home = await mkdtemp(join(tmpdir(), 'nightreel-bare-'));
  const browser = await puppeteer.launch({
    executablePath: executable,
    headless: kind === 'shell' ? 'shell' : true,
    pipe: true,
    args: ['--no-sandbox', '--autoplay-policy=no-user-gesture-required'],
    env: { PATH: '/usr/local/bin:/usr/bin:/bin', HOME: home, TMPDIR: home },
  });
  try {
    const [page = await browser.newPage()] = await browser.pages();
    return await work(page, home);
  } finally {
    await browser.close();
    await rm(home, { recursive: true, force: true, maxRetries: 10 });
  }
}

async function bare(kind: 'shell' | 'full'): Promise<BareResult> {
  await using listener = await Listener.start(isAlone());
  return await inBareBrowser(kind, async (page, home) => {
    // Its frames need not come to an end of loading.
    await page.goto(listener.address, { waitUntil: 'domcontentloaded', timeout: 20_000 });
    const later = (await page.evaluate(`tryAll('later')`)) as Record<string, string>;
    return { attempts: { later }, reached: listener.names, downloads: await downloads([home]) };
  });
}

const [mode = '', what = '', ...rest] = process.argv.slice(2);
const route = CAPTURE_ROUTES.find((one) => one === what);
let result: GuardedResult | BareResult;
if (mode === 'guarded' && route !== undefined) result = await guarded(route, rest);
else if (mode === 'bare' && (what === 'shell' || what === 'full')) result = await bare(what);
else throw new Error(`run.ts cannot be called with ${process.argv.slice(2).join(' ')}`);
process.stdout.write(`${JSON.stringify(result)}\n`);
