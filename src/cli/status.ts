import type { Command } from 'commander';
import { EXIT } from '../contracts/exit-codes.ts';

export function registerStatus(program: Command): void {
  program
    .command('status')
    .description('Tell which servers are used, whether they answer, and which batches run, late ones included')
    .option('--json', 'one JSON object')
    .addHelpText(
      'after',
      `
Examples:
  nightreel status
  nightreel status --json | jq -r .temporal.uiUrl

Ends with 0 when all of them answer, else with ${EXIT.environment}.`,
    )
    .action(async ({ json }: { readonly json?: boolean }) => {
      const [{ readEnvironment }, { describeServers, serversText }, { visible }] = await Promise.all([
        import('../config/environment.ts'),
        import('./servers.ts'),
        import('./visible.ts'),
      ]);
      const status = await describeServers(readEnvironment());
      process.stdout.write(json === true ? `${JSON.stringify(status)}\n` : visible(serversText(status)));
      if (!status.running) process.exitCode = EXIT.environment;
    });
}
