import type { Command } from 'commander';

export function registerUp(program: Command): void {
  program
    .command('up')
    .description('Start the embedded servers (Temporal, S3) and leave them running')
    .option('--foreground', 'stay, and end them on Ctrl-C')
    .addHelpText(
      'after',
      `
Examples:
  nightreel up
  nightreel up --foreground
  NIGHTREEL_HOME=/srv/nightreel nightreel up       a second stack, beside the first
  TEMPORAL_ADDRESS=temporal:7233 nightreel up      your own Temporal: checked, search attributes registered; S3 embedded

Does nothing when they run already. State and logs lie in .nightreel/ in the project's folder.`,
    )
    .action(async ({ foreground }: { readonly foreground?: boolean }) => {
      const { bringUp } = await import('./run-up.ts');
      await bringUp(foreground === true);
    });
}
