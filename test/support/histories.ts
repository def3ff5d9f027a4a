/** Histories of nights that were played once and are kept: `npm run record:histories` writes them, `npm test` replays them. */

import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';

/** One folder per recording, by its label. */
export const HISTORIES = resolve(import.meta.dirname, '../histories');

export interface HistoryEvent {
  readonly eventType: string;
  readonly [attributes: string]: unknown;
}

export interface RecordedHistory {
  readonly workflowId: string;
  readonly runId: string;
  readonly type: string;
  /** As the server names it: `COMPLETED`, `CONTINUED_AS_NEW`, … */
  readonly status: string;
  /** Protobuf's JSON form. */
  readonly history: { readonly events: readonly HistoryEvent[] };
}

export interface Recording {
  readonly label: string;
  readonly night: string;
  readonly histories: readonly RecordedHistory[];
}

export async function readRecordings(): Promise<Recording[]> {
  const recordings: Recording[] = [];
  for (const label of (await readdir(HISTORIES, { withFileTypes: true })).filter((entry) => entry.isDirectory())) {
    const folder = join(HISTORIES, label.name);
    for (const file of (await readdir(folder)).sort()) {
      const text = gunzipSync(await readFile(join(folder, file))).toString('utf8');
      recordings.push({ label: label.name, night: file.replace('.json.gz', ''), histories: JSON.parse(text) });
    }
  }
  return recordings;
}

/** Replaces what was recorded under this label. */
export async function writeRecordings(label: string, nights: ReadonlyMap<string, readonly RecordedHistory[]>) {
  const folder = join(HISTORIES, label);
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  for (const [night, histories] of nights) {
    await writeFile(join(folder, `${night}.json.gz`), gzipSync(JSON.stringify(histories), { level: 9 }));
  }
}

/** Where something ran and who ran it is nobody's business, and decides nothing. */
export const scrubbed = (history: unknown): RecordedHistory['history'] =>
  JSON.parse(
    JSON.stringify(history, (name, value: unknown) => {
      if (typeof value !== 'string') return value;
      if (name === 'identity') return 'recorded';
      return name === 'stackTrace' ? '' : value;
    }),
  );

/** What happened, in order: two runs of one workflow with equal shapes say the same about its code. */
export const shapeOf = ({ type, status, history }: RecordedHistory): string =>
  JSON.stringify([type, status, history.events.map(({ eventType, ...event }) => [eventType, activityTypeIn(event)])]);

function activityTypeIn(event: Readonly<Record<string, unknown>>): unknown {
  const attributes = event['activityTaskScheduledEventAttributes'] as { activityType?: { name?: string } } | undefined;
  return attributes?.activityType?.name;
}

/** Everything that a history says, payloads decoded. */
export const textOf = ({ history }: RecordedHistory): string =>
  JSON.stringify(history, (name, value: unknown) =>
    name === 'data' && typeof value === 'string' ? Buffer.from(value, 'base64').toString('utf8') : value,
  );
