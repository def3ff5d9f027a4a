import { type Command, InvalidArgumentError } from 'commander';
import { CAPTURE_NAMES } from '../config/capture.ts';
import type { BatchRef } from '../contracts/ids.ts';
import { isRenditionId, RENDITION_IDS, type RenditionId } from '../contracts/video.ts';
import type { CaptureChoice } from '../rendering/capture/probe.ts';
import { ENCODERS, type EncoderName } from '../rendering/encode/options.ts';
import { batchId, captureName } from './arguments.ts';
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
}

export function registerRender(program: Command): void {
  program
    .command('render')
    .description('Render one video on this machine, without any server')
    .argument(
      '[template]',
      'a name in templates/, a folder with a template.json, or a HyperFrames composition: its folder or .html file',
    )
    .option('--out <file>', 'the MP4 to write; for several renditions with {rendition} in its name')
    .option('--params <json>', "a JSON file, JSON itself, or - for stdin; default: the template's example")
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
  nightreel render ./my-composition --params '{"title":"Hello"}' --out hello.mp4
  nightreel render --variant 3f2a9c41d07b --batch referral/2026-11-20/1 --out again.mp4

The same params give the same bytes: compare the sha256 that is printed, or have it done (--verify-determinism ends with 0 when
the videos of both processes are equal and with 1 when they are not; --out may then be left out).

--variant and --scene take the params from the bucket: nobody's stand on the command line. When that fails, the template's own words
are shown here, and may quote them.`,
    )
    .action(async (template: string | undefined, flags: RenderFlags, command: Command) => {
      const { params, variant, scene, batch, out, rendition, poster, preview, ...options } = flags;
      const filesOf = (renditions: readonly RenditionId[]): RenderFiles => {
        const files = renderFiles({ out, renditions, poster, preview });
        return 'problem' in files ? command.error(`error: ${files.problem}`) : files;
      };
      const problem = problemOf(template, flags);
      if (problem !== null) return command.error(`error: ${problem}`);
      const { onInterrupt } = await import('./interrupt.ts');
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
  const { params, variant, scene, batch, out, verifyDeterminism } = flags;
  const sources = [template, variant, scene].filter((source) => source !== undefined);
  if (sources.length === 0) return "missing required argument 'template', or --variant or --scene";
  if (sources.length > 1) return 'a template, --variant and --scene exclude each other';
  if (params !== undefined && template === undefined) return 'a planned line has its own params: leave --params out';
  if (batch !== undefined && template !== undefined) return '--batch goes with --variant or --scene';
  if (scene === undefined && out === undefined && verifyDeterminism !== true) {
    return "required option '--out <file>' not specified";
  }
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
