import { resolve } from 'node:path';
import { type Command, InvalidArgumentError } from 'commander';
import { CAPTURE_NAMES } from '../config/capture.ts';
import type { BatchRef } from '../contracts/ids.ts';
import { isRenditionId, RENDITION_IDS, type RenditionId } from '../contracts/video.ts';
import type { CaptureChoice } from '../rendering/capture/probe.ts';
import { ENCODERS, type EncoderName } from '../rendering/encode/options.ts';
import { batchId, captureName, positiveInteger } from './arguments.ts';
import { type RenderFiles, renderFiles } from './render-files.ts';
import { referenceOf } from './why.ts';

export interface RenderCommandOptions {
  readonly capture?: CaptureChoice;
  readonly encoder: EncoderName;
  readonly verifyDeterminism?: boolean;
  readonly json?: boolean;
  /** What is to be written. */
  readonly files: RenderFiles;
}

interface RenderFlags extends Omit<RenderCommandOptions, 'files'> {
  readonly params?: string;
  readonly variant?: string;
  readonly scene?: string;
  readonly batch?: BatchRef;
  readonly out?: string;
  readonly rendition: readonly RenditionId[];
  readonly poster?: string;
  readonly preview?: string;
  readonly csv?: string;
  readonly idColumn?: string;
  readonly limit?: number;
  readonly slots?: number;
}

export function registerRender(program: Command): void {
  program
    .command('render')
    .description('Render one video, or those of a list, on this machine without any server')
    .argument(
      '[template]',
      'a name in templates/, a folder with a template.json, or a HyperFrames composition: its folder or .html file',
    )
    .option(
      '--out <path>',
      'the MP4 to write; for several renditions with {rendition} in its name. With --csv a folder',
    )
    .option('--params <json>', "a JSON file, JSON itself, or - for stdin; default: the template's example")
    .option('--csv <file>', 'a video for every row of this list, or of - for stdin; columns are params by their names')
    .option('--id-column <name>', 'of --csv: tells rows apart; default: recipient_id, recipientId or id')
    .option('--limit <count>', 'of --csv: at most so many people, from the top', positiveInteger)
    .option(
      '--slots <count>',
      'of --csv: browsers at the same time; default: what this machine has room for',
      positiveInteger,
    )
    .option(
      '--variant <key>',
      'no template but a variant of a batch, with what it was planned with; key as for `nightreel why`',
    )
    .option('--scene <key>', 'the same for a scene; writes no file')
    .option('--batch <id>', 'CAMPAIGN/DATE/ATTEMPT of that variant or scene; default: the newest that has it', batchId)
    .option('--rendition <ids>', `of ${RENDITION_IDS.join(', ')}; several from one capture`, parseRenditions, [
      'web-1080p',
    ] satisfies RenditionId[])
    .option('--poster <file>', 'also write a telling frame, as .jpg')
    .option('--preview <file>', 'also write a short animation for e-mail, as .gif or .webp')
    .option('--capture <route>', `${CAPTURE_NAMES.join(', ')}; default: NIGHTREEL_CAPTURE, else auto`, captureName)
    .option('--encoder <name>', `${ENCODERS.join(', ')}; all but x264 need a device`, parseEncoder, 'x264' as const)
    .option('--verify-determinism', 'render a second time in another process and folder, and compare')
    .option('--json', 'print the result as one JSON line at the end')
    .addHelpText(
      'after',
      `
Examples:
  nightreel render referral --out example.mp4
  nightreel render referral --params ada.json --out ada.mp4 --rendition phone-720p
  nightreel render referral --params '{"name":"Ada","referralCount":3,"earnings":75,"nextMilestone":5,"milestoneReward":50}' --out ada.mp4
  jq .params row.json | nightreel render ./templates/referral --params - --out row.mp4 --json
  nightreel render referral --rendition web-1080p,email-480p --out 'ada-{rendition}.mp4' --poster ada.jpg --preview ada.gif
  nightreel render referral --verify-determinism
  nightreel render referral --csv users.csv --out videos --rendition email-480p
  psql -c 'copy people to stdout csv header' | nightreel render referral --csv - --out videos --id-column email
  nightreel render ./my-composition --params '{"title":"Hello"}' --out hello.mp4
  nightreel render --variant 3f2a9c41d07b --batch referral/2026-11-20/1 --out again.mp4

The same params give the same bytes: compare the sha256 that is printed, or have it done (--verify-determinism ends with 0 when
the videos of both processes are equal and with 1 when they are not; --out may then be left out).

With --csv the same command goes on where it was stopped, by Ctrl-C or anything else, and renders what has changed: see docs/local.md.
It ends with 4 when rows were rejected or failed.

--variant and --scene take the params from the bucket: nobody's stand on the command line. When that fails, the template's own words
are shown here, and may quote them.`,
    )
    .action(async (template: string | undefined, flags: RenderFlags, command: Command) => {
      const { params, variant, scene, batch, out, rendition, poster, preview, csv, ...others } = flags;
      const { idColumn, limit, slots, ...options } = others;
      const filesOf = (renditions: readonly RenditionId[]): RenderFiles => {
        const files = renderFiles({ out, renditions, poster, preview });
        return 'problem' in files ? command.error(`error: ${files.problem}`) : files;
      };
      const problem = problemOf(template, flags);
      if (problem !== null) return command.error(`error: ${problem}`);
      const { onInterrupt } = await import('./interrupt.ts');
      if (csv !== undefined) {
        const { renderCsv } = await import('./render-csv.ts');
        const [first = 'web-1080p'] = rendition;
        const list = {
          template: template ?? '',
          csv,
          out: resolve(out ?? ''),
          rendition: first,
          idColumn,
          limit,
          slots,
        };
        const signal = onInterrupt('Stopped. What is finished stays; run the same command again for the rest.');
        return await renderCsv({ ...list, ...options }, signal);
      }
      const stopped = 'The render was stopped; no file was written.';
      const planned = variant ?? scene;
      if (planned !== undefined) {
        const reference = await referenceOf(command, planned, batch);
        const [{ renderPlanned }, { loadSettings }] = await Promise.all([
          import('./render-planned.ts'),
          import('../config/settings.ts'),
        ]);
        const isAsked = command.getOptionValueSource('rendition') !== 'default';
        const filesFor = (own: RenditionId) => filesOf(isAsked ? rendition : [own]);
        const kind = variant === undefined ? 'scene' : 'variant';
        await renderPlanned(await loadSettings(), { kind, reference }, { ...options, filesFor }, onInterrupt(stopped));
        return;
      }
      const files = filesOf(rendition);
      const { givenBy, renderVideo } = await import('./render-video.ts');
      const signal = onInterrupt(stopped);
      await renderVideo(givenBy(template ?? '', params, signal), { ...options, files }, signal);
    });
}

/** What is missing, or does not go together; null: nothing. */
function problemOf(template: string | undefined, flags: RenderFlags): string | null {
  const { params, variant, scene, batch, out, verifyDeterminism, csv } = flags;
  const sources = [template, variant, scene].filter((source) => source !== undefined);
  if (sources.length === 0) return "missing required argument 'template', or --variant or --scene";
  if (sources.length > 1) return 'a template, --variant and --scene exclude each other';
  if (csv !== undefined) return problemOfList(template, flags);
  const ofLists = flags.idColumn ?? flags.limit ?? flags.slots;
  if (ofLists !== undefined) return '--id-column, --limit and --slots go with --csv';
  if (params !== undefined && template === undefined) return 'a planned line has its own params: leave --params out';
  if (batch !== undefined && template !== undefined) return '--batch goes with --variant or --scene';
  if (scene === undefined && out === undefined && verifyDeterminism !== true) {
    return "required option '--out <file>' not specified";
  }
  return null;
}

/** The same of a list. */
function problemOfList(template: string | undefined, flags: RenderFlags): string | null {
  if (template === undefined) return '--csv goes with a template';
  const others = ['params', 'batch', 'poster', 'preview', 'verifyDeterminism'] as const;
  if (others.some((name) => flags[name] !== undefined)) {
    return '--csv excludes --params, --batch, --poster, --preview and --verify-determinism';
  }
  if (flags.out === undefined) return "required option '--out <folder>' not specified";
  if (flags.rendition.length > 1) return 'a list is rendered in one rendition; take another folder for the next';
  return null;
}

function parseRenditions(text: string): RenditionId[] {
  const ids = text.split(',').map((id) => id.trim());
  if (ids.every(isRenditionId) && new Set(ids).size === ids.length) return ids;
  const which = `It must be one of ${RENDITION_IDS.join(', ')}, or several with commas between them`;
  throw new InvalidArgumentError(`${which}, each once.`);
}

function parseEncoder(text: string): EncoderName {
  const encoder = ENCODERS.find((name) => name === text);
  if (encoder === undefined) throw new InvalidArgumentError(`It must be one of ${ENCODERS.join(', ')}.`);
  return encoder;
}
