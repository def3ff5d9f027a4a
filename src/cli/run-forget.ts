import { setTimeout as sleep } from 'node:timers/promises';
import { workNow } from '../client/batches.ts';
import { connectClient } from '../client/connect.ts';
import { listCampaigns, loadCampaign } from '../config/campaign.ts';
import type { Settings } from '../config/settings.ts';
import { Failure } from '../contracts/failures.ts';
import type { CampaignId } from '../contracts/ids.ts';
import { REMEMBERED_MS } from '../planning/manifest-reader.ts';
import { recipientIdProblem } from '../planning/recipient-id.ts';
import { type Forgotten, type ForgottenKind, forgetPerson, isKnownCampaign } from '../retention/forget-person.ts';
import { ObjectStore } from '../storage/object-store.ts';
import { createScanProgress } from './scan-progress.ts';

export interface ForgetRequest {
  readonly recipientId: string;
  /** Null: of all campaigns. */
  readonly campaign: CampaignId | null;
  readonly dryRun: boolean;
  readonly json: boolean;
}

/** Forgets one person and prints what that took. Failure `StorageDenied` when objects are left in which they may stand. */
export async function runForget(settings: Settings, request: ForgetRequest, signal: AbortSignal): Promise<void> {
  const { recipientId, campaign, dryRun, json } = request;
  const problem = recipientIdProblem(recipientId);
  if (problem !== null) throw new Failure('ParamsInvalid', `Nobody has that ID: ${problem}.`);
  const campaigns = await campaignsOf(settings);
  using store = new ObjectStore(settings.s3);
  await store.checkBucket();
  if (campaign !== null && !(await isKnownCampaign(store, campaign, campaigns, signal))) {
    throw new Failure('CampaignInvalid', `No campaign '${campaign}', neither in campaigns/ nor in the bucket.`);
  }
  let quietAt = 0;
  const forgotten = await asInterrupted(signal, async () => {
    if (!dryRun) await becomeQuiet(settings, signal);
    quietAt = performance.now();
    using progress = createScanProgress(process.stderr);
    const asked = { recipientId, campaign, campaigns, dryRun };
    return await forgetPerson(store, asked, signal, (what, count) => progress.update(what, count));
  });
  const versioned = await store.keepsVersions(signal);
  process.stdout.write(
    json ? `${JSON.stringify(jsonOf(request, forgotten, versioned))}\n` : forgetText(request, forgotten, versioned),
  );
  const [first] = forgotten.unreadable;
  if (first !== undefined) throw leftAlone(forgotten.unreadable);
  if (!dryRun) await assertStillQuiet(settings, performance.now() - quietAt);
}

/** All campaigns of the project: with one that cannot be read, its pointers would be overlooked. */
export async function campaignsOf({ root }: Settings) {
  return await Promise.all((await listCampaigns(root)).map((id) => loadCampaign(root, id)));
}

/** What was cancelled says so in the words of whoever cancelled it, not in those of the request that it met. */
export async function asInterrupted<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw signal.aborted ? signal.reason : error;
  }
}

/** What ran a moment ago is still in workers' memories, from where a repair would write it again. The clocks of two machines differ. */
const QUIET_MS = 2 * REMEMBERED_MS;
const LOOK_EVERY_MS = 1_000;

/** Waits until nothing has run for a moment. Failure `CampaignInvalid` while something runs. */
async function becomeQuiet({ temporal }: Settings, signal: AbortSignal): Promise<void> {
  const client = await connectClient(temporal);
  try {
    for (let look = 1; ; look += 1) {
      const { running, endedLately } = await workNow(client, QUIET_MS);
      if (running.length > 0) throw stillRuns(running);
      if (!endedLately) return;
      if (look === 1) process.stderr.write('A batch ended just now: waiting until no worker remembers what it read.\n');
      await sleep(LOOK_EVERY_MS, undefined, { signal });
    }
  } finally {
    await client.connection.close();
  }
}

/** Failure `CampaignInvalid` when something has run in the last so many milliseconds. */
async function assertStillQuiet({ temporal }: Settings, sinceMs: number): Promise<void> {
  const client = await connectClient(temporal);
  try {
    const { running, endedLately } = await workNow(client, sinceMs);
    if (running.length > 0) throw stillRuns(running);
    if (!endedLately) return;
    throw new Failure('CampaignInvalid', 'A batch or a repair ran meanwhile. Run this once more.');
  } finally {
    await client.connection.close();
  }
}

const stillRuns = (running: readonly string[]): Failure =>
  new Failure(
    'CampaignInvalid',
    `${running.join(', ')} still runs, and may write what is to be removed. Run this again when nothing runs any more: wait, or close it with \`nightreel stop --all\`.`,
  );

const MAX_NAMED = 5;

function leftAlone(unreadable: Forgotten['unreadable']): Failure {
  const named = unreadable.slice(0, MAX_NAMED).map(({ key, namesThem }) => {
    return `${key} (${namesThem === null ? 'packed' : namesThem ? 'names them' : 'without their ID'})`;
  });
  const more = unreadable.length > named.length ? ` and ${unreadable.length - named.length} more` : '';
  return new Failure(
    'StorageDenied',
    `${unreadable.length} ${unreadable.length === 1 ? 'object is' : 'objects are'} not what Nightreel writes there, so nobody can tell all that is in them, and they were left alone: ${named.join(', ')}${more}. Look at them, delete what is damaged, and run this again.`,
  );
}

const jsonOf = (
  { recipientId, campaign, dryRun }: ForgetRequest,
  { objects, videoKeys, sharedVideos, unknownScenes, unreadable }: Forgotten,
  versioned: boolean | null,
) => ({
  recipientId,
  campaign,
  dryRun,
  found: Object.keys(objects).length > 0,
  ...{ objects, videoKeys, sharedVideos, unknownScenes, unreadable, versioned },
});

const KINDS: Readonly<Record<ForgottenKind, readonly [name: string, what: 'removed' | 'written anew' | 'both']>> = {
  pointers: ['pointers', 'removed'],
  videos: ['videos', 'removed'],
  posters: ['posters', 'removed'],
  scenes: ['scenes', 'removed'],
  manifests: ['manifest pages', 'written anew'],
  scenePages: ['scene pages', 'written anew'],
  outcomes: ['outcome pages', 'written anew'],
  failures: ['what failures left', 'removed'],
  reports: ['reports', 'written anew'],
  plans: ['plans', 'written anew'],
  rejects: ['rejects', 'written anew'],
  withdrawals: ['withdrawals', 'written anew'],
  results: ['results', 'written anew'],
  states: ['states', 'written anew'],
  ledgers: ['ledgers', 'both'],
  lists: ['lists given by hand', 'removed'],
  tombstones: ['tombstones', 'removed'],
};

/** For people: what went, kind by kind, and what may be left. */
export function forgetText(
  { recipientId, campaign, dryRun }: Pick<ForgetRequest, 'recipientId' | 'campaign' | 'dryRun'>,
  { objects, sharedVideos, unknownScenes }: Pick<Forgotten, 'objects' | 'sharedVideos' | 'unknownScenes'>,
  versioned: boolean | null,
): string {
  const where = campaign === null ? 'in the bucket' : `of campaign '${campaign}' in the bucket`;
  if (Object.keys(objects).length === 0) return `${recipientId}: nothing ${where} names them.\n`;
  const done = { removed: 'removed', 'written anew': 'written anew', both: 'removed or written anew' };
  const kinds = (Object.keys(KINDS) as ForgottenKind[]).flatMap((kind) => {
    const [name, what] = KINDS[kind];
    return objects[kind] === undefined ? [] : [`  ${name.padEnd(20)} ${objects[kind]} ${done[what]}`];
  });
  const notes = [
    ...(sharedVideos > 0 ? [`${sharedVideos} of their videos stay: others have them too.`] : []),
    ...(unknownScenes > 0
      ? [`Of ${unknownScenes} videos nobody knows the scenes any more: nightreel gc finds what is not used.`]
      : []),
    ...(versioned === true
      ? ['The bucket keeps versions: what went is there until its lifecycle rules end it. See docs/life-of-data.md.']
      : []),
  ];
  return [
    `${recipientId}: ${dryRun ? 'this would be done' : 'forgotten'} ${where}`,
    ...kinds,
    ...notes.map((note) => `  ${note}`),
    '',
  ].join('\n');
}
