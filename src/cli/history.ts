import type { Command } from 'commander';
import type { CampaignId } from '../contracts/ids.ts';
import { campaignId, positiveInteger } from './arguments.ts';

const NIGHTS = 10;

export function registerHistory(program: Command): void {
  program
    .command('history')
    .description('Compare the last nights of a campaign, newest first')
    .argument('<campaign>', 'a file in campaigns/, without .yaml', campaignId)
    .option(
      '--nights <count>',
      'business dates that closed; of each the last whole attempt, if there is one',
      positiveInteger,
      NIGHTS,
    )
    .option('--json', 'one JSON object a line and night')
    .addHelpText(
      'after',
      `
Examples:
  nightreel history referral
  nightreel history referral --nights 30
  nightreel history referral --json | jq -r '[.businessDate, .renderMsP95] | @tsv'

One night in full: nightreel report CAMPAIGN/DATE/ATTEMPT.`,
    )
    .action(async (campaign: CampaignId, { nights, json }: { nights: number; json?: boolean }) => {
      const [{ runHistory }, { loadSettings }] = await Promise.all([
        import('./run-history.ts'),
        import('../config/settings.ts'),
      ]);
      await runHistory(await loadSettings(), { campaign, nights, json: json === true });
    });
}
