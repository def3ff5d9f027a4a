/** `nightreel doctor`: looks at everything that rendering and storing needs, one after the other. */

import { readCapture } from '../../config/capture.ts';
import { fingerprintOf } from '../../rendering/fingerprint.ts';
import type { DoctorFlags } from '../doctor.ts';
import { bad, type Check, type Diagnosis } from './check.ts';
import {
  checkDevices,
  checkFfmpeg,
  checkFonts,
  checkLeftOvers,
  checkNode,
  checkSharedMemory,
  checkSize,
  checkTemporary,
  checkTool,
} from './machine.ts';
import { tryRoutes } from './routes.ts';
import { examineStore } from './store.ts';

export async function diagnose(flags: DoctorFlags, signal: AbortSignal): Promise<Diagnosis> {
  const choice = flags.capture ?? readCapture();
  const [chromium, headlessShell, xvfb] = [checkTool('chromium'), checkTool('headlessShell'), checkTool('xvfb')];
  const { toolchain, check: ffmpeg } = await checkFfmpeg(signal);
  const checks: Check[] = [
    checkNode(),
    ...[chromium, headlessShell, xvfb].map(({ check }) => check),
    ffmpeg,
    await checkFonts(),
    await checkSharedMemory(),
    await checkTemporary(),
    checkSize(),
    await checkLeftOvers(flags.fix === true),
  ];
  const { path } = checkTool('ffmpeg');
  if (flags.all === true && path !== undefined) checks.push(...(await checkDevices(path, signal)));

  const say = (what: string): void => void process.stderr.write(`Trying ${what}\n`);
  say('the object store');
  const store = await examineStore(flags.fix === true, signal);

  const tools = { chromium: chromium.path, headlessShell: headlessShell.path, xvfb: xvfb.path };
  const routes = await tryRoutes(tools, choice, signal, say);
  const chosen = routes.find(({ isChosen }) => isChosen);
  if (chosen === undefined) {
    const what = choice === 'auto' ? 'No way of capturing frames works' : `Capture route '${choice}' does not work`;
    checks.push(
      bad('capture', `${what} here.`, 'See what each one says below; `npm run setup` installs what is missing.'),
    );
  }
  const ok = [...checks, ...store.checks].every(({ status }) => status !== 'failed');
  const { pixels = null, browser = null, route } = chosen ?? {};
  const engine =
    toolchain === null || route === undefined || pixels === null || browser === null
      ? null
      : await fingerprintOf({ route, pixels, chromium: browser, toolchain });
  return { ok, checks, store, routes, engine };
}
