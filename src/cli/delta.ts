import { type Command, Option } from 'commander';
import type { BusinessDate, CampaignId } from '../contracts/ids.ts';
import { SOURCE_TYPES, type SourceType } from '../warehouse/source.ts';
import { businessDate, campaignId, positiveInteger } from './arguments.ts';

export interface DeltaFlags {
  readonly date?: BusinessDate;
  readonly source?: SourceType;
  readonly recipients?: number;
  readonly samples: number;
  readonly people?: boolean;
  readonly json?: boolean;
}

export function registerDelta(program: Command): void {
  program
    .command('delta')
    .description('Show who would be in a night and why; starts and writes nothing')
    .argument('<campaign>', 'a file in campaigns/, without .yaml', campaignId)
    .option('--date <day>', "business date, default: today in the campaign's time zone", businessDate)
    .addOption(new Option('--source <type>', "the campaign's table in another engine").choices([...SOURCE_TYPES]))
    .option('--recipients <count>', 'at most so many recipients, in the order of their changes', positiveInteger)
    .option('--samples <count>', 'rows that are shown, masked', positiveInteger, 5)
    .option('--people', 'with --json: every recipient with the digest of the params and the variant key')
    .option('--json', 'one JSON object')
    .addHelpText(
      'after',
      `
Examples:
  nightreel delta referral
  nightreel delta referral --date 2026-11-23
  nightreel delta referral --source postgres --json | jq .counts
  nightreel delta referral --json --people | jq -r '.people[] | [.recipientId, .variantKey] | @tsv'

Reads the source as the plan would: the same window, mapping, checks and rules for duplicates. Names and numbers are masked. The
digests in the JSON are equal for equal people, params and videos, whatever engine they come from. Needs the bucket and the
source; docs/warehouses.md says what each strategy promises.`,
    )
    .action(async (campaign: CampaignId, flags: DeltaFlags) => {
      const [{ showDelta }, { loadSettings }, { onInterrupt }] = await Promise.all([
        import('./delta-campaign.ts'),
        import('../config/settings.ts'),
        import('./interrupt.ts'),
      ]);
      const signal = onInterrupt('Reading was stopped; nothing was started.');
      process.stdout.write(await showDelta(await loadSettings(), campaign, flags, signal));
    });
}
