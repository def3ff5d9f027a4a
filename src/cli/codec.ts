import { type Command, InvalidArgumentError } from 'commander';
import { isPort } from '../config/variables.ts';

/** Where codec servers are looked for in Temporal's own examples. */
const DEFAULT_PORT = 8081;

export interface ServeCodecFlags {
  readonly host: string;
  readonly port: number;
  readonly ui?: readonly string[];
}

export function registerCodec(program: Command): void {
  const codec = program
    .command('codec')
    .description('Encrypt what Temporal holds: its keys, and a server that shows it');
  const keyFile = ['--file <path>', 'the file of keys; default: NIGHTREEL_PAYLOAD_KEYS_FILE'] as const;
  codec
    .command('new-key')
    .description('Add a key, which decrypts; without a file one is made')
    .option(...keyFile)
    .option('--use', 'encrypt with it at once: where nobody else reads yet')
    .action(async ({ file, use }: { file?: string; use?: boolean }) => {
      const { addKey } = await import('./codec-keys.ts');
      print(await addKey(file, use === true));
    });
  codec
    .command('use')
    .description('Encrypt with this key from now on; none: encrypt nothing more')
    .argument('<key>', 'its ID, or none')
    .option(...keyFile)
    .action(async (key: string, { file }: { file?: string }) => {
      const { useKey } = await import('./codec-keys.ts');
      print(await useKey(file, key === 'none' ? null : key));
    });
  codec
    .command('keys')
    .description('List the keys that this environment names, by ID')
    .option('--json', 'one JSON object')
    .action(async ({ json }: { json?: boolean }) => {
      const { listKeys } = await import('./codec-keys.ts');
      print(await listKeys(json === true));
    });
  codec
    .command('serve')
    .description('Decrypt for the Temporal Web UI and CLI, on this machine alone unless --host says otherwise')
    .option('--port <n>', 'its port; 0: any that is free', parsePort, DEFAULT_PORT)
    .option('--host <address>', 'where it listens; others than loopback need NIGHTREEL_CODEC_TOKEN', '127.0.0.1')
    .option(
      '--ui <origin...>',
      'origins of the Web UI; default: where NIGHTREEL_TEMPORAL_UI_URL or the embedded one is',
      parseOrigin,
    )
    .addHelpText(
      'after',
      `
Then, in the Web UI: the glasses at the top right, Remote Codec Endpoint. And on the command line:
  temporal workflow show --workflow-id … --codec-endpoint http://127.0.0.1:${DEFAULT_PORT}`,
    )
    .action(async (flags: ServeCodecFlags) => {
      const [{ serveCodec }, { onInterrupt }] = await Promise.all([
        import('./serve-codec.ts'),
        import('./interrupt.ts'),
      ]);
      await serveCodec(flags, onInterrupt('The codec server was stopped.'));
    });
  codec.addHelpText(
    'after',
    `
Examples:
  nightreel codec new-key --file keys.json       a key that decrypts: give the file to every worker and client, then
  nightreel codec use 2026-11-27-9f3c21aa --file keys.json
  nightreel codec serve                          what is encrypted, in the Web UI

docs/encryption.md says how it is switched on while a night runs, and how keys are replaced.`,
  );
}

const print = (text: string): void => void process.stdout.write(text);

function parsePort(text: string): number {
  if (text !== '0' && !isPort(text)) throw new InvalidArgumentError('It must be a port, or 0 for any that is free.');
  return Number(text);
}

function parseOrigin(text: string, previous: readonly string[] = []): string[] {
  const origin = URL.parse(text)?.origin ?? 'null';
  if (origin === 'null') throw new InvalidArgumentError('It must be an origin such as https://temporal.example.com.');
  return [...previous, origin];
}
