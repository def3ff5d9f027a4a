import type { Command } from 'commander';
import type { BatchRef } from '../contracts/ids.ts';
import type { Reference } from '../reporting/why/find-planned.ts';
import { batchId } from './arguments.ts';

export function registerWhy(program: Command): void {
  program
    .command('why')
    .description(
      'Tell all that is known of one variant: what became of it, each failed attempt, and how to see it fail again',
    )
    .argument('<variant>', "its key, the first 6 digits of it or more, or its workflow's ID; a scene's as well")
    .option('--batch <id>', 'CAMPAIGN/DATE/ATTEMPT; default: the newest batch that has it', batchId)
    .option('--json', 'one JSON object')
    .addHelpText(
      'after',
      `
Examples:
  nightreel why 3f2a9c41d07b
  nightreel why 3f2a9c41d07b --batch referral/2026-11-20/1
  nightreel why variant/referral/2026-11-20/3f2a9c41d07b
  nightreel why 3f2a9c41d07b --json | jq -r .reproduce

Reads the bucket, and asks Temporal what runs now. It tells how many people share the video, and nothing of anybody: docs/why.md.`,
    )
    .action(async (text: string, { batch, json }: { batch?: BatchRef; json?: boolean }, command: Command) => {
      const reference = await referenceOf(command, text, batch);
      const [{ runWhy }, { loadSettings }] = await Promise.all([
        import('./run-why.ts'),
        import('../config/settings.ts'),
      ]);
      process.stdout.write(await runWhy(await loadSettings(), { reference, json: json === true }));
    });
}

/** Of an argument or option that names a variant or a scene. */
export async function referenceOf(command: Command, text: string, batch: BatchRef | undefined): Promise<Reference> {
  const { parseReference } = await import('../reporting/why/find-planned.ts');
  const reference = parseReference(text);
  if (reference !== null) return { ...reference, batch: batch ?? reference.batch };
  return command.error(
    `error: '${text}' names no variant. Give its key, 6 or more of its first digits as a report shows them, or its workflow's ID.`,
  );
}
