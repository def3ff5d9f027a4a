import type { Command } from 'commander';
import { EXIT } from '../contracts/exit-codes.ts';
import type { BusinessDate, CampaignId } from '../contracts/ids.ts';
import { businessDate, campaignId, positiveInteger } from './arguments.ts';

interface BackfillOptions {
  readonly date?: BusinessDate;
  readonly attempt?: number;
  readonly json?: boolean;
}

export function registerBackfill(program: Command): void {
  program
    .command('backfill')
    .description('Render the failed variants of a batch again and rewrite its report')
    .argument('<campaign>', 'a file in campaigns/, without .yaml', campaignId)
    .option('--date <day>', "the batch's business date, default: the last batch", businessDate)
    .option('--attempt <number>', 'which run of that date, default: the latest', positiveInteger)
    .option('--json', 'print the summary as one JSON line at the end')
    .addHelpText(
      'after',
      `
Examples:
  nightreel backfill referral
  nightreel backfill referral --date 2026-11-20

The same from the Temporal side:
  temporal workflow start --task-queue orchestrator --type backfillVariants \\
    --workflow-id backfill/referral/2026-11-20/1 \\
    --input '{"batch":{"campaign":"referral","businessDate":"2026-11-20","attempt":1}}'
or one variant at a time: Reset the failed renderVariant workflow in the Temporal Web UI.`,
    )
    .action(async (campaign: CampaignId, options: BackfillOptions, command: Command) => {
      if (options.attempt !== undefined && options.date === undefined) {
        command.error('error: --attempt goes with --date.');
      }
      const { runBackfill } = await import('./run-backfill.ts');
      const { loadSettings } = await import('../config/settings.ts');
      const { onInterrupt } = await import('./interrupt.ts');
      const signal = onInterrupt('No longer following; the backfill goes on. Follow it again with the same command.');
      const summary = await runBackfill(await loadSettings(), { campaign, ...options }, signal);
      if (summary.failed > 0) process.exitCode = EXIT.failedVariants;
    });
}
