import { type Command, InvalidArgumentError, Option } from 'commander';

interface GcOptions {
  readonly olderThan: number;
  readonly keepBatches: number;
  readonly delete?: boolean;
  readonly json?: boolean;
}

export function registerGc(program: Command): void {
  program
    .command('gc')
    .description('Tell which videos and scenes nothing refers to any more; remove them with --delete')
    .addOption(inDays('--older-than <days>', 'leave what was written in the last so many days', 30))
    .addOption(inDays('--keep-batches <days>', 'keep what batches of the last so many days refer to', 90))
    .option('--delete', 'remove it; without this, nothing is changed')
    .option('--json', 'one JSON object')
    .addHelpText(
      'after',
      `
Examples:
  nightreel gc
  nightreel gc --delete
  nightreel gc --older-than 60d --keep-batches 180d --delete --json

Looks at videos, posters, scenes, pinned templates, lists given by hand, ledgers and screenshots of failures. What a pointer names stays, however old it is.
Reads every pointer and the manifests of the batches that are kept, so a large bucket takes a while; it can be stopped and run again.
A night may run meanwhile; only while one is being planned is nothing removed. docs/life-of-data.md has more.`,
    )
    .action(async (options: GcOptions) => {
      const [{ runGc }, { loadSettings }, { onInterrupt }] = await Promise.all([
        import('./run-gc.ts'),
        import('../config/settings.ts'),
        import('./interrupt.ts'),
      ]);
      const signal = onInterrupt('Stopped in the middle; run it again for the rest.');
      const { olderThan, keepBatches, delete: removes = false, json = false } = options;
      const request = { olderThanDays: olderThan, keepBatchesDays: keepBatches, removes, json };
      await runGc(await loadSettings(), request, signal);
    });
}

const inDays = (flags: string, description: string, usual: number): Option =>
  new Option(flags, description).argParser(days).default(usual, `${usual}d`);

function days(text: string): number {
  const [, number = ''] = /^([1-9]\d{0,4})d$/.exec(text) ?? [];
  if (number === '') throw new InvalidArgumentError('It must be a number of days from 1 up, such as 30d.');
  return Number(number);
}
