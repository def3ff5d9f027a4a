import { type Command, InvalidArgumentError } from 'commander';
import { CAPTURE_NAMES } from '../config/capture.ts';
import { isRenditionId, RENDITION_IDS, type RenditionId } from '../contracts/video.ts';
import type { CaptureChoice } from '../rendering/capture/probe.ts';
import { ENCODERS, type EncoderName } from '../rendering/encode/options.ts';
import { captureName } from './arguments.ts';
import { type RenderFiles, renderFiles } from './render-files.ts';

export interface RenderCommandOptions {
  readonly params?: string;
  readonly capture?: CaptureChoice;
  readonly encoder: EncoderName;
  readonly verifyDeterminism?: boolean;
  readonly json?: boolean;
  /** What is to be written. */
  readonly files: RenderFiles;
}

interface RenderFlags extends Omit<RenderCommandOptions, 'files'> {
  readonly out?: string;
  readonly rendition: readonly RenditionId[];
  readonly poster?: string;
  readonly preview?: string;
}

export function registerRender(program: Command): void {
  program
    .command('render')
    .description('Render one video on this machine, without any server')
    .argument('<template>', 'a name in templates/, or a folder with a template.json')
    .option('--out <file>', 'the MP4 to write; for several renditions with {rendition} in its name')
    .option('--params <json>', "a JSON file, JSON itself, or - for stdin; default: the template's example")
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

The same params give the same bytes: compare the sha256 that is printed, or have it done (--verify-determinism ends with 0 when
the videos of both processes are equal and with 1 when they are not; --out may then be left out).`,
    )
    .action(async (template: string, { out, rendition, poster, preview, ...flags }: RenderFlags, command: Command) => {
      const files = renderFiles({ out, renditions: rendition, poster, preview });
      if ('problem' in files) return command.error(`error: ${files.problem}`);
      if (files.videos.length === 0 && flags.verifyDeterminism !== true) {
        return command.error("error: required option '--out <file>' not specified");
      }
      const [{ renderVideo }, { onInterrupt }] = await Promise.all([
        import('./render-video.ts'),
        import('./interrupt.ts'),
      ]);
      await renderVideo(template, { ...flags, files }, onInterrupt('The render was stopped; no file was written.'));
    });
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
