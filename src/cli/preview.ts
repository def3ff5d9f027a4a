import { type Command, InvalidArgumentError } from 'commander';

export interface PreviewFlags {
  readonly port: number;
  readonly csv?: string;
  readonly idColumn?: string;
  readonly json?: boolean;
}

export function registerPreview(program: Command): void {
  program
    .command('preview')
    .description('See any recipient’s video in a browser, live, before the night does; on this machine alone')
    .argument('[template|campaign]', 'a name in templates/ or campaigns/, a folder, or an .html composition')
    .option('--csv <file>', 'recipients to choose from: a CSV as for `nightreel render --csv`')
    .option('--id-column <name>', 'of --csv: tells rows apart; default: recipient_id, recipientId or id')
    .option('--port <n>', 'port of 127.0.0.1; default: any that is free', parsePort, 0)
    .option('--no-open', 'only print the address; so it is in any case: nothing is opened by itself')
    .option('--json', 'print the address as one JSON line')
    .addHelpText(
      'after',
      `
Examples:
  nightreel preview referral
  nightreel preview referral --csv people.csv
  nightreel preview ./templates/referral --port 4321

Prints an address with a secret in it, and serves it until Ctrl-C. The picture is the template itself, moved by the same scripts as
in a render; contact sheets and videos are made by the engine. A campaign's name offers tonight's recipients as well, which are
read from its source once you ask for them. docs/preview.md says what is shown.`,
    )
    .action(async (name: string | undefined, flags: PreviewFlags) => {
      const [{ runPreview }, { onInterrupt }] = await Promise.all([
        import('./run-preview.ts'),
        import('./interrupt.ts'),
      ]);
      await runPreview(name, flags, onInterrupt('The preview was stopped.'));
    });
}

function parsePort(text: string): number {
  const port = Number(text);
  if (/^\d{1,5}$/.test(text) && port <= 65_535) return port;
  throw new InvalidArgumentError('It must be a port: a whole number from 0 (any that is free) to 65535.');
}
