import type { Command } from 'commander';
import type { BatchRef } from '../contracts/ids.ts';
import { batchId } from './arguments.ts';

export function registerDigest(program: Command): void {
  program
    .command('digest')
    .description(
      'Show what is posted of a batch that has closed: one sentence, three numbers, its failures; or post it again',
    )
    .argument('<batch>', 'CAMPAIGN/DATE/ATTEMPT', batchId)
    .option('--post', 'post it to the webhooks that are set, also where it was posted before, or nobody knows')
    .option('--json', 'one JSON object: the message to Slack, what a webhook of your own gets, and what became of both')
    .addHelpText(
      'after',
      `
Examples:
  nightreel digest referral/2026-11-23/1
  nightreel digest referral/2026-11-23/1 --json | jq .slack
  nightreel digest referral/2026-11-23/1 --post

Posts to NIGHTREEL_SLACK_WEBHOOK and NIGHTREEL_WEBHOOK. A batch posts its digest by itself when it closes, once: docs/digest.md.`,
    )
    .action(async (batch: BatchRef, { post, json }: { post?: boolean; json?: boolean }) => {
      const [{ runDigest }, { loadSettings }] = await Promise.all([
        import('./run-digest.ts'),
        import('../config/settings.ts'),
      ]);
      await runDigest(await loadSettings(), { batch, post: post === true, json: json === true });
    });
}
