import type { Command } from 'commander';

export function registerDown(program: Command): void {
  program
    .command('down')
    .description('End the embedded servers; their data stay')
    .option('--wipe', 'also delete their data: workflow histories, videos, the warehouse, logs')
    .addHelpText(
      'after',
      `
Examples:
  nightreel down
  nightreel down --wipe

Servers of your own (TEMPORAL_*, AWS_*) are never touched.`,
    )
    .action(async ({ wipe }: { readonly wipe?: boolean }) => {
      const [{ readEnvironment }, { stopStack, wipeStack }] = await Promise.all([
        import('../config/environment.ts'),
        import('../stack/index.ts'),
      ]);
      const { home } = readEnvironment();
      const ended = await stopStack(home);
      process.stderr.write(ended.length > 0 ? `Ended ${ended.join(' and ')}.\n` : 'Nothing was running.\n');
      if (wipe === true) {
        const removed = await wipeStack(home);
        process.stderr.write(removed.map((path) => `Deleted ${path}\n`).join('') || 'Nothing to delete.\n');
      }
    });
}
