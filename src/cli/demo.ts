import { availableParallelism } from 'node:os';
import type { Command } from 'commander';
import { EXIT } from '../contracts/exit-codes.ts';
import type { CampaignId } from '../contracts/ids.ts';
import { campaignId, positiveInteger } from './arguments.ts';

interface DemoOptions {
  readonly campaign: CampaignId;
  readonly recipients: number;
  readonly workers: number;
  readonly json?: boolean;
}

export function registerDemo(program: Command): void {
  program
    .command('demo')
    .description("Tonight's batch on this machine: embedded servers, generated customers, real videos")
    .option('--campaign <name>', 'another campaign than the one that is shipped', campaignId, 'referral' as CampaignId)
    .option('--recipients <count>', 'how many of the customers whose numbers changed', positiveInteger, 40)
    .option('--workers <count>', 'browsers in the pool', positiveInteger, availableParallelism())
    .option('--json', 'print the summary as one JSON line at the end')
    .addHelpText(
      'after',
      `
Examples:
  npm run demo
  npm run demo -- --recipients 200
  npm run demo -- --json
  nightreel down            stop the servers afterwards; nightreel down --wipe also deletes the videos

The servers stay up so that the videos, the report and the Temporal Web UI can be looked at.
Run again the same night, it finds every video stored and renders nothing.`,
    )
    .action(async (options: DemoOptions) => {
      const { runDemo } = await import('./run-demo.ts');
      const { onInterrupt } = await import('./interrupt.ts');
      const summary = await runDemo(
        options,
        onInterrupt(
          'The demo was stopped and its batch cancelled; run it again. The servers stay up until `nightreel down`.',
        ),
      );
      if (summary.failed > 0) process.exitCode = EXIT.failedVariants;
    });
}
