import type { Command } from 'commander';
import type { BatchRef } from '../contracts/ids.ts';
import { batchId } from './arguments.ts';

export function registerReport(program: Command): void {
  program
    .command('report')
    .description(
      'Show what a night was like: three numbers, failures and what to do, where the time went, what it cost',
    )
    .argument(
      '[batch]',
      'CAMPAIGN/DATE/ATTEMPT; default: the last night; of several campaigns, the one that closed last',
      batchId,
    )
    .option('--rebuild', 'write report.html and report.json anew, from the plan and the outcomes in the bucket')
    .option('--json', 'what report.json says, in one line; its schema: docs/report.schema.json')
    .addHelpText(
      'after',
      `
Examples:
  nightreel report
  nightreel report referral/2026-11-23/1
  nightreel report referral/2026-11-23/1 --json | jq .cost.perVariant
  nightreel report referral/2026-11-23/1 --rebuild      after prices.yaml has changed, or variants were reset by hand

The same as a page: the link at its end. A batch writes both when it closes: docs/report.md.`,
    )
    .action(async (batch: BatchRef | undefined, { rebuild, json }: { rebuild?: boolean; json?: boolean }) => {
      const [{ runReport }, { loadSettings }] = await Promise.all([
        import('./run-report.ts'),
        import('../config/settings.ts'),
      ]);
      await runReport(await loadSettings(), { batch: batch ?? null, rebuild: rebuild === true, json: json === true });
    });
}
