import type { Command } from 'commander';
import type { BatchRef, CampaignId } from '../contracts/ids.ts';
import { batchId, campaignId } from './arguments.ts';

export function registerRecipient(program: Command): void {
  program
    .command('recipient')
    .description('Tell which video one recipient is shown, what became of them in a batch, and why')
    .argument('<campaign>', 'a file in campaigns/, without .yaml', campaignId)
    .argument('<id>', "the recipient's ID, as the source has it")
    .option('--batch <id>', 'CAMPAIGN/DATE/ATTEMPT; default: the newest batch that had to do with them', batchId)
    .option('--json', 'one JSON object')
    .addHelpText(
      'after',
      `
Examples:
  nightreel recipient referral u-000123
  nightreel recipient referral u-000123 --batch referral/2026-11-20/1
  nightreel recipient referral u-000123 --json | jq -r .batch.variantKey

Reads the bucket only. The variant that it names is what \`nightreel backfill --variants\` takes, and the last part of its workflow's ID.`,
    )
    .action(
      async (campaign: CampaignId, recipientId: string, { batch, json }: { batch?: BatchRef; json?: boolean }) => {
        const { runRecipient } = await import('./run-recipient.ts');
        const { loadSettings } = await import('../config/settings.ts');
        const request = { campaign, recipientId, batch: batch ?? null, json: json === true };
        process.stdout.write(await runRecipient(await loadSettings(), request));
      },
    );
}
