/** `nightreel render --csv`: a list of people, a folder of videos; no servers. */

import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import type { Readable } from 'node:stream';
import { readCapture } from '../config/capture.ts';
import { findTools } from '../config/tools.ts';
import { EXIT } from '../contracts/exit-codes.ts';
import { RENDITIONS, type RenditionId } from '../contracts/video.ts';
import { addLines, writeLines } from '../local/lines.ts';
import { notWritten } from '../local/not-written.ts';
import { OutputFolder } from '../local/output-folder.ts';
import { readList, rejectedRow } from '../local/read-list.ts';
import { renderList, type SettledVideo } from '../local/render-list.ts';
import { type ListSummary, ListTally, summaryLines } from '../local/summary.ts';
import type { DeltaPlan } from '../planning/delta-plan.ts';
import { machineSize, slotsFor } from '../rendering/browser/sizing.ts';
import { Renderer } from '../rendering/renderer.ts';
import { lockOutput } from '../stack/lock.ts';
import type { Template } from '../templates/template.ts';
import { createProgress } from './progress.ts';
import type { RenderCommandOptions } from './render.ts';
import { openTemplate } from './render-input.ts';
import { visible } from './visible.ts';
import { warningsOnly } from './warnings-only.ts';

export interface RenderCsvOptions extends Pick<RenderCommandOptions, 'capture' | 'encoder' | 'json'> {
  readonly template: string;
  /** A file, or `-` for stdin. */
  readonly csv: string;
  /** Absolute. */
  readonly out: string;
  readonly rendition: RenditionId;
  readonly idColumn?: string | undefined;
  readonly limit?: number | undefined;
  readonly slots?: number | undefined;
}

const say = (line: string): void => void process.stderr.write(`${line}\n`);

export async function renderCsv(options: RenderCsvOptions, signal: AbortSignal): Promise<void> {
  const { csv, out, rendition, idColumn, limit } = options;
  const startedAt = performance.now();
  const template = await openTemplate(options.template);
  const name = csv === '-' ? 'stdin' : csv;
  say(`Reading ${name}`);
  using plan = await readList(
    {
      ...{ name, template, rendition, idColumn, limit },
      open: () => openCsv(csv),
      onIgnored: (columns) => say(`Template '${template.id}' has no use for ${columns.join(', ')}`),
      onRows: (rows) => say(`Reading ${name}: ${rows} rows`),
    },
    signal,
  );
  const rejects = plan.rejects.map(rejectedRow);
  await mkdir(out, { recursive: true }).catch((cause: unknown) => {
    throw notWritten(out, cause);
  });
  await using _lock = await lockOutput(out);
  await using folder = await OutputFolder.open(out);
  await writeLines(join(out, 'rejects.jsonl'), rejects);
  await writeLines(join(out, 'failures.jsonl'), []);

  const tally = new ListTally();
  let interrupted = true;
  try {
    if (plan.variants.size > 0) await renderAll({ ...options, plan, template, folder, tally }, signal);
    if (limit === undefined) await folder.tidy();
    interrupted = false;
  } finally {
    const { rows, duplicates, recipients: wanted, rejected } = plan.counts;
    const { there, given, failed, failures } = tally;
    const summary: ListSummary = {
      ...{ template: template.id, out, rendition, rows, duplicates, rejected, wanted, there, given, failed, failures },
      videos: { distinct: plan.variants.size, rendered: tally.videos.rendered },
      ...{ interrupted, engine: tally.engine, wallMs: Math.round(performance.now() - startedAt) },
    };
    for (const line of summaryLines(summary, rejects)) process.stdout.write(`${visible(line)}\n`);
    if (options.json) process.stdout.write(`${JSON.stringify(summary)}\n`);
  }
  if (tally.failed + rejects.length > 0) process.exitCode = EXIT.failedVariants;
}

interface Work extends Omit<RenderCsvOptions, 'template'> {
  readonly plan: DeltaPlan;
  readonly template: Template;
  readonly folder: OutputFolder;
  readonly tally: ListTally;
}

async function renderAll(work: Work, signal: AbortSignal): Promise<void> {
  const { plan, template, folder, tally, encoder, out, capture = readCapture() } = work;
  const { variants, counts } = plan;
  const slots = Math.min(work.slots ?? slotsFor(machineSize()), variants.size);
  say(slots === 1 ? 'Starting a browser' : `Starting ${slots} browsers`);
  await using renderer = await Renderer.start({
    ...{ tools: findTools(), capture, encoder, slots, template, signal },
    log: warningsOnly,
  });
  tally.engine = renderer.fingerprint.digest;
  const rendition = RENDITIONS[work.rendition];
  const progress = createProgress({ stream: process.stderr });
  const show = (): void => {
    const { size } = variants;
    progress.update({
      phase: 'rendering',
      recipients: counts.recipients,
      variants: size,
      pointers: 0,
      ...tally.videos,
    });
  };
  const onSettled = async (settled: SettledVideo): Promise<void> => {
    tally.add(settled);
    show();
    const { failure, ids = [] } = settled;
    if (failure === undefined) return;
    const { failureClass, message, detail } = failure;
    const lines = ids.map((id) => ({ id, class: failureClass, message, detail }));
    await addLines(join(out, 'failures.jsonl'), lines);
  };
  show();
  try {
    await renderList(
      {
        ...{ variants, template, rendition: rendition.id, engineDigest: tally.engine, folder, onSettled },
        render: (params, either) => renderer.render({ template, params, rendition }, { signal: either }),
        // One more than there are browsers: while it checks and writes what it drew, the browser draws the next.
        concurrency: slots + 1,
      },
      signal,
    );
  } finally {
    progress.finish();
  }
}

async function openCsv(csv: string): Promise<Readable> {
  if (csv === '-') return process.stdin;
  const stream = createReadStream(csv);
  await once(stream, 'open');
  return stream;
}
