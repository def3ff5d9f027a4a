import { Command } from 'commander';
import { exitCodeOf, printFailure } from './exit.ts';

const program = new Command('nightreel')
  .description('Personalised video at scale, every night: Temporal, warm Chromium, x264, S3.')
  .version('0.1.0')
  .showHelpAfterError()
  .configureHelp({ sortSubcommands: false });

try {
  await program.parseAsync();
} catch (error) {
  printFailure(error);
  process.exitCode = exitCodeOf(error);
}
