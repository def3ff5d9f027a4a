import { SEARCH_ATTRIBUTES } from '../contracts/search-attributes.ts';
import type { StackHome } from './home.ts';
import { type Ports, portOf, type ServerPart } from './part.ts';
import { assertAccepts } from './ports.ts';
import { inspectTemporal } from './temporal-probe.ts';

export const EMBEDDED_NAMESPACE = 'default';

/** Temporal's development server with its Web UI, on a database file. */
export const temporalPart = (home: StackHome, binary: string): ServerPart => ({
  name: 'temporal',
  title: 'Temporal',
  binary,
  ownArgument: `--db-filename=${home.temporalDatabase}`,
  usualPorts: { grpc: 7233, ui: 8233 },
  graceMs: 10_000,
  failureClass: 'TemporalUnavailable',
  choosePorts: async (chooser, wanted) => ({
    grpc: await chooser.choose(wanted('grpc')),
    ui: await chooser.choose(wanted('ui')),
  }),
  prepare: async () => undefined,
  args: (ports: Ports) => [
    ...['server', 'start-dev', '--ip', '127.0.0.1', '--log-level', 'warn', '--log-format', 'json'],
    // Campaigns take turns by their fairness keys; without it a task queue is first come, first served.
    ...[
      '--dynamic-config-value',
      'matching.enableFairness=true',
      '--dynamic-config-value',
      'matching.useNewMatcher=true',
    ],
    ...['--port', String(portOf(ports, 'grpc')), '--ui-port', String(portOf(ports, 'ui')), '--ui-disable-news-fetch'],
    `--db-filename=${home.temporalDatabase}`,
    // Ten times the workflow starts per second; a power cut may cost the last moments of a development server.
    ...['--sqlite-pragma', 'journal_mode=WAL', '--sqlite-pragma', 'synchronous=OFF'],
    ...Object.values(SEARCH_ATTRIBUTES).flatMap(({ name }) => ['--search-attribute', `${name}=Keyword`]),
    ...['--disable-config-file', '--disable-config-env'],
  ],
  async probe(ports, signal) {
    // A gRPC channel that was refused once waits a second before it tries again.
    await assertAccepts(portOf(ports, 'grpc'));
    await assertAccepts(portOf(ports, 'ui'));
    const found = await inspectTemporal({
      connectionOptions: { address: `127.0.0.1:${portOf(ports, 'grpc')}` },
      namespace: EMBEDDED_NAMESPACE,
      signal,
    });
    if (found.missingSearchAttributes?.length !== 0)
      throw new Error(`not registered: ${found.missingSearchAttributes}`);
  },
  clean: async () => undefined,
});
