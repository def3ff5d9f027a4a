import { type Command, InvalidArgumentError } from 'commander';
import { isRenditionId, RENDITION_IDS, type RenditionId } from '../contracts/video.ts';

export interface RenderCommandOptions {
  readonly params?: string;
  readonly out: string;
  readonly rendition: RenditionId;
  readonly json?: boolean;
}

export function registerRender(program: Command): void {
  program
    .command('render')
    .description('Render one video on this machine, without any server')
    .argument('<template>', 'a name in templates/, or a folder with a template.json')
    .requiredOption('--out <file>', 'the MP4 to write')
    .option('--params <json>', "a JSON file, JSON itself, or - for stdin; default: the template's example")
    .option('--rendition <id>', `one of ${RENDITION_IDS.join(', ')}`, parseRendition, 'web-1080p' as const)
    .option('--json', 'print the result as one JSON line at the end')
    .addHelpText(
      'after',
      `
Examples:
  nightreel render referral --out example.mp4
  nightreel render referral --params ada.json --out ada.mp4 --rendition phone-720p
  nightreel render referral --params '{"name":"Ada","referralCount":3,"earnings":75,"nextMilestone":5,"milestoneReward":50}' --out ada.mp4
  jq .params row.json | nightreel render ./templates/referral --params - --out row.mp4 --json

The same params give the same bytes: compare the sha256 that is printed.`,
    )
    .action(async (template: string, options: RenderCommandOptions) => {
      const [{ renderVideo }, { onInterrupt }] = await Promise.all([
        import('./render-video.ts'),
        import('./interrupt.ts'),
      ]);
      await renderVideo(template, options, onInterrupt('The render was stopped; no file was written.'));
    });
}

function parseRendition(text: string): RenditionId {
  if (!isRenditionId(text)) throw new InvalidArgumentError(`It must be one of ${RENDITION_IDS.join(', ')}.`);
  return text;
}
