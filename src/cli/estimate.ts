import { type Command, InvalidArgumentError } from 'commander';
import type { BusinessDate, CampaignId } from '../contracts/ids.ts';
import { businessDate, campaignId, positiveInteger } from './arguments.ts';

export interface EstimateFlags {
  readonly date?: BusinessDate;
  readonly recipients?: number;
  readonly workers: number;
  readonly cpuPrice?: number;
  readonly deadline?: string;
  readonly save?: boolean;
  readonly sample: number;
  readonly json?: boolean;
}

export function registerEstimate(program: Command): void {
  program
    .command('estimate')
    .description('Tell what a night would cost, with scenes and without; starts nothing')
    .argument('<campaign>', 'a file in campaigns/, without .yaml', campaignId)
    .option('--date <day>', "business date, default: today in the campaign's time zone", businessDate)
    .option('--recipients <count>', 'at most so many recipients, in the order of their changes', positiveInteger)
    .option('--workers <count>', 'machines like this one that render', positiveInteger, 1)
    .option(
      '--cpu-price <amount>',
      'of an hour of one processor, in the currency of prices.yaml; default: the price there',
      amount,
    )
    .option('--deadline <HH:MM>', "when all must be done, in the campaign's time zone", timeOfDay)
    .option('--sample <count>', 'videos that are rendered here to know the costs', positiveInteger, 1)
    .option('--save', "keep it in the bucket: the night's report is compared with it")
    .option('--json', 'one JSON object')
    .addHelpText(
      'after',
      `
Examples:
  nightreel estimate referral
  nightreel estimate referral --workers 4 --cpu-price 0.04 --deadline 06:00
  nightreel estimate referral --save
  nightreel estimate referral --json | jq .saving

Reads tonight's delta and looks up what is stored, renders a sample on this machine, and calculates. Needs the bucket and the
source, and no workers.`,
    )
    .action(async (campaign: CampaignId, flags: EstimateFlags) => {
      const [{ estimateCampaign }, { loadSettings }, { onInterrupt }] = await Promise.all([
        import('./estimate-campaign.ts'),
        import('../config/settings.ts'),
        import('./interrupt.ts'),
      ]);
      const signal = onInterrupt('The estimate was stopped; nothing was started.');
      process.stdout.write(await estimateCampaign(await loadSettings(), campaign, flags, signal));
    });
}

function amount(text: string): number {
  if (!/^\d+(\.\d+)?$/.test(text)) throw new InvalidArgumentError('It must be an amount such as 0.04.');
  return Number(text);
}

function timeOfDay(text: string): string {
  if (!/^([01]\d|2[0-3]):[0-5]\d$/.test(text))
    throw new InvalidArgumentError('It must be a time of day such as 06:00.');
  return text;
}
