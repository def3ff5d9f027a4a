/** `nightreel doctor`: looks at everything that a night needs. */

import { readCapture } from '../../config/capture.ts';
import { findTargets } from '../../config/connections.ts';
import { type Environment, readEnvironment } from '../../config/environment.ts';
import { projectRoot } from '../../config/settings.ts';
import { asFailure } from '../../contracts/failures.ts';
import { fingerprintOf } from '../../rendering/fingerprint.ts';
import { stackHome } from '../../stack/home.ts';
import type { DoctorFlags } from '../doctor.ts';
import { examineCampaigns } from './campaigns.ts';
import { bad, type Check, type Diagnosis, GROUPS, type Group } from './check.ts';
import { checkOwnClock } from './clock.ts';
import {
  checkDevices,
  checkFfmpeg,
  checkFonts,
  checkLeftOvers,
  checkNode,
  checkSandbox,
  checkSharedMemory,
  checkSize,
  checkTemporary,
  checkTool,
  checkVersions,
} from './machine.ts';
import { tryRoutes } from './routes.ts';
import { examineStore } from './store.ts';
import { examineTelemetry } from './telemetry.ts';
import { examineTemporal } from './temporal.ts';

export async function diagnose(flags: DoctorFlags, signal: AbortSignal): Promise<Diagnosis> {
  const { only = GROUPS } = flags;
  const choice = flags.capture ?? readCapture();
  const [chromium, headlessShell, xvfb] = [checkTool('chromium'), checkTool('headlessShell'), checkTool('xvfb')];
  const { toolchain, check: ffmpeg } = await checkFfmpeg(signal);
  const checks: Check[] = [];
  if (only.includes('machine')) {
    checks.push(
      await checkVersions(),
      checkNode(),
      ...[chromium, headlessShell, xvfb].map(({ check }) => check),
      ffmpeg,
      await checkFonts(),
      await checkSharedMemory(),
      await checkSandbox(),
      await checkTemporary(),
      checkSize(),
      await checkOwnClock(),
      await checkLeftOvers(flags.fix === true),
    );
    const { path } = checkTool('ffmpeg');
    if (flags.all === true && path !== undefined) checks.push(...(await checkDevices(path, signal)));
  }

  const say = (what: string): void => void process.stderr.write(`Trying ${what}\n`);
  const known = await findServers(checks);
  const servers = known === null ? NO_SERVERS : await askServers(known, only, flags.fix === true, signal);

  const tools = { chromium: chromium.path, headlessShell: headlessShell.path, xvfb: xvfb.path };
  const routes = only.includes('routes') ? await tryRoutes(tools, choice, signal, say) : [];
  const chosen = routes.find(({ isChosen }) => isChosen);
  if (only.includes('routes') && chosen === undefined) {
    const what = choice === 'auto' ? 'No way of capturing frames works' : `Capture route '${choice}' does not work`;
    checks.push(
      bad('capture', `${what} here.`, 'See what each one says below; `nightreel setup` installs what is missing.'),
    );
  }
  const all = [checks, ...Object.values(servers).map((examination) => examination?.checks ?? [])].flat();
  const { pixels = null, browser = null, route } = chosen ?? {};
  const engine =
    toolchain === null || route === undefined || pixels === null || browser === null
      ? null
      : await fingerprintOf({ route, pixels, chromium: browser, toolchain });
  return { ok: all.every(({ status }) => status !== 'failed'), checks, ...servers, routes, engine };
}

type Servers = Pick<Diagnosis, 'store' | 'temporal' | 'campaigns' | 'telemetry'>;
const NO_SERVERS: Servers = { store: null, temporal: null, campaigns: null, telemetry: null };

type Known = Environment & { readonly targets: Awaited<ReturnType<typeof findTargets>> };

/** Null, and a check that says why, when a variable is wrong: then it is unknown whom to ask. */
async function findServers(checks: Check[]): Promise<Known | null> {
  try {
    const environment = readEnvironment();
    return { ...environment, targets: await findTargets(environment) };
  } catch (error) {
    checks.push(
      bad('environment', asFailure(error).message, 'Correct the variable, or unset it: no server was asked.'),
    );
    return null;
  }
}

/** All at once: each has its own limit of time. */
async function askServers(
  { variables, webhooks, rollout, home, targets }: Known,
  only: readonly Group[],
  fix: boolean,
  signal: AbortSignal,
): Promise<Servers> {
  const place = { root: projectRoot(), warehousePath: stackHome(home).warehouse, variables, s3: targets.s3 };
  const wanted = <T>(group: Group, examine: () => Promise<T>): Promise<T> | null =>
    only.includes(group) ? examine() : null;
  const [store, temporal, campaigns, telemetry] = await Promise.all([
    wanted('store', () => examineStore(targets.s3, fix, signal)),
    wanted('temporal', () => examineTemporal(targets.temporal, { fix, rollout }, signal)),
    wanted('campaigns', () => examineCampaigns(place, signal)),
    wanted('telemetry', () => examineTelemetry(variables, webhooks, signal)),
  ]);
  return { store, temporal, campaigns, telemetry };
}
