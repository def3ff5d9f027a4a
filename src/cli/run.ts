import type { Command } from 'commander';
import { EXIT } from '../contracts/exit-codes.ts';
import type { BusinessDate, CampaignId } from '../contracts/ids.ts';
import { businessDate, campaignId, positiveInteger } from './arguments.ts';

interface RunOptions {
  readonly date?: BusinessDate;
  readonly recipients?: number;
  readonly csv?: string;
  readonly detach?: boolean;
  readonly json?: boolean;
}

export function registerRun(program: Command): void {
  program
    .command('run')
    .description("Run a campaign's batch now and follow it")
    .argument('<campaign>', 'a file in campaigns/, without .yaml', campaignId)
    .option('--date <day>', "business date, default: today in the campaign's time zone", businessDate)
    .option('--recipients <count>', 'at most so many recipients, in the order of their changes', positiveInteger)
    .option('--csv <file>', "recipients from this file instead of the campaign's source; the watermark stays")
    .option('--detach', 'start it and return at once')
    .option('--json', 'print the summary as one JSON line at the end')
    .addHelpText(
      'after',
      `
Examples:
  nightreel run referral
  nightreel run referral --recipients 200 --json
  nightreel run referral --csv users.csv
  nightreel run referral --date 2026-11-17      that night's own delta once more

Needs workers: \`nightreel serve\`. Ctrl-C stops following; the batch goes on.`,
    )
    .action(async (campaign: CampaignId, options: RunOptions) => {
      const { runBatch } = await import('./run-batch.ts');
      const { loadSettings } = await import('../config/settings.ts');
      const { onInterrupt } = await import('./interrupt.ts');
      const signal = onInterrupt('No longer following; the batch goes on. Follow it again with the same command.');
      const summary = await runBatch(await loadSettings(), { campaign, ...options }, signal);
      if (summary !== null && summary.failed > 0) process.exitCode = EXIT.failedVariants;
    });
}
