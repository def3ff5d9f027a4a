import type { Command } from 'commander';
import { EXIT } from '../contracts/exit-codes.ts';
import type { FailureClass } from '../contracts/failures.ts';
import type { BatchRef, BusinessDate, CampaignId } from '../contracts/ids.ts';
import { batchId, businessDate, campaignId, failureClass, positiveInteger } from './arguments.ts';

interface BackfillOptions {
  readonly campaign?: CampaignId;
  readonly batch?: BatchRef;
  readonly date?: BusinessDate;
  readonly attempt?: number;
  readonly class?: FailureClass;
  readonly variants?: string;
  readonly window?: number;
  readonly from?: BusinessDate;
  readonly to?: BusinessDate;
  readonly again?: boolean;
  readonly json?: boolean;
}

export function registerBackfill(program: Command): void {
  program
    .command('backfill')
    .description('Render the failed variants of a batch again, or run whole nights that were missed')
    .argument('[campaign]', 'a file in campaigns/, without .yaml', campaignId)
    .option('--campaign <campaign>', 'the same as the argument', campaignId)
    .option('--batch <id>', 'the batch by its whole name: CAMPAIGN/DATE/ATTEMPT', batchId)
    .option('--date <day>', "the batch's business date, default: the last batch", businessDate)
    .option('--attempt <number>', 'which run of that date, default: the latest', positiveInteger)
    .option('--class <class>', 'only what failed with this class', failureClass)
    .option('--variants <file>', 'only the variants whose keys are in this file, one to a line')
    .option('--window <variants>', 'variants in flight, 1 to 500, default: 16', positiveInteger)
    .option('--from <day>', 'whole nights: the first business date', businessDate)
    .option('--to <day>', 'whole nights: the last business date', businessDate)
    .option('--again', 'whole nights: also those that have closed')
    .option('--json', 'print the summary as one JSON line at the end')
    .addHelpText(
      'after',
      `
Examples:
  nightreel backfill referral
  nightreel backfill referral --date 2026-11-20 --class BrowserCrashed
  nightreel backfill --batch referral/2026-11-20/1 --variants keys.txt --window 4
  nightreel backfill --campaign referral --from 2026-11-02 --to 2026-11-06

Whole nights are run by the campaign's schedule, one after the other, and read their own dates; those that have closed
are left alone. Who asked is written to audit/CAMPAIGN/ in the bucket.

The same from the Temporal side:
  temporal workflow start --task-queue orchestrator --type backfillVariants \\
    --workflow-id backfill/referral/2026-11-20/1 \\
    --input '{"batch":{"campaign":"referral","businessDate":"2026-11-20","attempt":1}}'
or one variant at a time: Reset the failed renderVariant workflow in the Temporal Web UI.
docs/operations.md has more.`,
    )
    .action(async (argument: CampaignId | undefined, options: BackfillOptions, command: Command) => {
      const problem = whatIsWrong(argument, options);
      if (problem !== null) command.error(`error: ${problem}`);
      const campaign = options.batch?.campaign ?? argument ?? options.campaign;
      if (campaign === undefined) return;
      const { runBackfill, runNights } = await import('./run-backfill.ts');
      const { loadSettings } = await import('../config/settings.ts');
      const { from, to, json, again = false } = options;
      if (from !== undefined && to !== undefined) {
        process.stdout.write(await runNights(await loadSettings(), { campaign, from, to, again, json: json === true }));
        return;
      }
      const { onInterrupt } = await import('./interrupt.ts');
      const signal = onInterrupt('No longer following; the backfill goes on. Follow it again with the same command.');
      const { batch, class: wantedClass, again: _, ...rest } = options;
      const named = batch === undefined ? {} : { date: batch.businessDate, attempt: batch.attempt };
      const request = { ...rest, ...named, campaign, ...(wantedClass !== undefined && { failureClass: wantedClass }) };
      const summary = await runBackfill(await loadSettings(), request, signal);
      if (summary.failed > 0) process.exitCode = EXIT.failedVariants;
    });
}

/** Options that contradict each other, in a sentence. */
function whatIsWrong(argument: CampaignId | undefined, options: BackfillOptions): string | null {
  const { batch, campaign, date, attempt, from, to, variants, window } = options;
  const named = argument ?? campaign;
  if (argument !== undefined && campaign !== undefined) return 'the campaign is named twice.';
  if (batch !== undefined && (named ?? date ?? attempt) !== undefined) {
    return '--batch names campaign, date and attempt; leave those out.';
  }
  if (batch === undefined && named === undefined) return 'name a campaign, or a batch with --batch.';
  if (attempt !== undefined && date === undefined) return '--attempt goes with --date.';
  if ((from === undefined) !== (to === undefined)) return '--from and --to go together.';
  if (from !== undefined && (batch ?? date ?? options.class ?? variants ?? window) !== undefined) {
    return '--from and --to run whole nights; they go with a campaign only.';
  }
  if (from === undefined && options.again !== undefined) return '--again goes with --from and --to.';
  return null;
}
