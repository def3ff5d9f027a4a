import type { Command } from 'commander';
import type { CampaignId } from '../contracts/ids.ts';
import { campaignId } from './arguments.ts';

export function registerForget(program: Command): void {
  program
    .command('forget')
    .description('Remove one person from the bucket: pointers, lines of manifests, videos that only they had')
    .argument('<id>', "the recipient's ID, as the source has it")
    .option('--campaign <campaign>', 'of this campaign only; default: of all', campaignId)
    .option('--dry-run', 'tell what would go, and change nothing')
    .option('--json', 'one JSON object')
    .addHelpText(
      'after',
      `
Examples:
  nightreel forget u-000123 --dry-run
  nightreel forget u-000123
  nightreel forget u-000123 --campaign referral --json | jq .videoKeys

Take them out of the campaign's source first: the next night brings back whom it finds there. Refused while a batch or a repair
runs. Stopped in the middle, it goes on with the same command; once more, it finds nothing and ends with 0.
docs/life-of-data.md says what stays elsewhere, and for how long: versions of a bucket, caches, logs, your source.`,
    )
    .action(
      async (
        recipientId: string,
        { campaign, dryRun, json }: { campaign?: CampaignId; dryRun?: boolean; json?: boolean },
      ) => {
        const [{ runForget }, { loadSettings }, { onInterrupt }] = await Promise.all([
          import('./run-forget.ts'),
          import('../config/settings.ts'),
          import('./interrupt.ts'),
        ]);
        const signal = onInterrupt('Stopped in the middle; the same command goes on.');
        const request = { recipientId, campaign: campaign ?? null, dryRun: dryRun === true, json: json === true };
        await runForget(await loadSettings(), request, signal);
      },
    );
}
