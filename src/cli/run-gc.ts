import { runningNights } from '../client/batches.ts';
import { connectClient } from '../client/connect.ts';
import type { Settings } from '../config/settings.ts';
import { Failure } from '../contracts/failures.ts';
import { count } from '../reporting/format.ts';
import {
  type Amount,
  collectGarbage,
  GARBAGE_KINDS,
  type Garbage,
  type GarbageKind,
} from '../retention/collect-garbage.ts';
import { ObjectStore } from '../storage/object-store.ts';
import { asInterrupted, campaignsOf } from './run-forget.ts';
import { createScanProgress } from './scan-progress.ts';

export interface GcRequest {
  readonly olderThanDays: number;
  readonly keepBatchesDays: number;
  readonly removes: boolean;
  readonly json: boolean;
}

/** Looks for what nothing refers to, removes it when asked to, prints how much it is. Failure `CampaignInvalid` when a night is being planned. */
export async function runGc(settings: Settings, request: GcRequest, signal: AbortSignal): Promise<void> {
  const { olderThanDays, keepBatchesDays, removes, json } = request;
  const pointerPatterns = (await campaignsOf(settings)).map(({ pointerKey }) => pointerKey);
  using store = new ObjectStore(settings.s3);
  await store.checkBucket();
  const client = removes ? await connectClient(settings.temporal) : null;
  try {
    const garbage = await asInterrupted(signal, async () => {
      using progress = createScanProgress(process.stderr);
      const running = client === null ? null : () => runningNights(client);
      const limits = { pointerPatterns, olderThanDays, keepBatchesDays };
      const asked = { ...limits, runningNights: running, nowMs: Date.now() };
      return await collectGarbage(store, asked, signal, (what, done) => progress.update(what, done));
    });
    process.stdout.write(
      json ? `${JSON.stringify({ removes, olderThanDays, keepBatchesDays, ...garbage })}\n` : gcText(request, garbage),
    );
    if (garbage.heldBy.length === 0) return;
    throw new Failure(
      'CampaignInvalid',
      `${garbage.heldBy.join(', ')} is being planned, or its plan is not in the bucket: nothing more was removed. Run this again once it renders.`,
    );
  } finally {
    await client?.connection.close();
  }
}

const NAMES: Readonly<Record<GarbageKind, string>> = {
  videos: 'videos',
  posters: 'posters',
  scenes: 'scenes',
  templates: 'pinned templates',
  lists: 'lists given by hand',
  ledgers: 'ledgers',
  screenshots: 'screenshots of failures',
};

/** For people: a line for each kind that there is. */
export function gcText({ olderThanDays, keepBatchesDays, removes }: Omit<GcRequest, 'json'>, garbage: Garbage): string {
  const { kinds, pointers, keptBatches, pastBatches, unknownScenes } = garbage;
  const rows = GARBAGE_KINDS.filter((kind) => kinds[kind].there.objects > 0).map((kind) => {
    const { there, unused, young, removed } = kinds[kind];
    const goes = removes ? removed : difference(unused, young);
    return [NAMES[kind], ...[there, unused, young, goes].map(amountText)];
  });
  const head = ['', 'there', 'not used', `of it younger than ${olderThanDays} d`, removes ? 'removed' : 'would go'];
  const widths = head.map((_, column) => Math.max(...[head, ...rows].map((row) => row[column]?.length ?? 0)));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join('   ');
  return [
    `${count(pointers)} pointers; ${count(keptBatches)} batches of the last ${keepBatchesDays} days, ${count(pastBatches)} before`,
    ...(rows.length === 0 ? ['There is nothing to look at yet.'] : [head, ...rows].map(line)),
    ...(unknownScenes.length === 0
      ? []
      : [
          `No scene goes: of ${unknownScenes.slice(0, 3).join(', ')} a page is damaged, or the template is no longer pinned.`,
        ]),
    ...(removes ? [] : ['Nothing was removed; --delete does that.']),
    '',
  ].join('\n');
}

const difference = (a: Amount, b: Amount): Amount => ({ objects: a.objects - b.objects, bytes: a.bytes - b.bytes });

function amountText({ objects, bytes }: Amount): string {
  return objects === 0 ? '–' : `${count(objects)} (${bytesText(bytes)})`;
}

/** `812 B`, `3.4 MB`, `1.2 TB`: powers of ten, as stores are billed. */
function bytesText(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  const power = bytes < 1_000 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(bytes) / 3));
  const value = bytes / 1_000 ** power;
  return `${power === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[power]}`;
}
