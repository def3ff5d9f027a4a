/** An examination as a person reads it. Pure. */

import type { Check, Diagnosis, Examination, RouteResult } from './check.ts';

const SIGNS = { ok: 'ok', warning: 'warning', failed: 'FAILED' } as const satisfies Record<Check['status'], string>;

export function diagnosisText({ checks, store, temporal, campaigns, telemetry, routes, engine }: Diagnosis): string {
  const parts = [
    checksText(checks),
    store && [placeText('Object store', store.bucket && `bucket ${store.bucket}`, store.endpoint), ...textOf(store)],
    temporal && [
      placeText('Temporal', temporal.namespace && `namespace ${temporal.namespace}`, temporal.address),
      ...textOf(temporal),
    ],
    campaigns && ['Campaigns:', ...textOf(campaigns)],
    telemetry && ['Telemetry and digests:', ...textOf(telemetry)],
    routes.length === 0 ? null : routesText(routes),
    [
      ...told(store, 'The object store does not do what it must.'),
      ...told(temporal, 'Temporal is not ready for a night.'),
      ...told(campaigns, 'Not every campaign can be planned from here.'),
      ...told(telemetry, 'Telemetry is not set as it must be.'),
      ...renderingText(checks, routes, engine),
    ],
  ];
  return `${parts
    .filter((lines) => lines !== null && lines.length > 0)
    .map((lines) => lines?.join('\n'))
    .join('\n\n')}\n`;
}

const textOf = ({ checks }: Examination): string[] => checksText(checks);

const placeText = (title: string, what: string | null, where: string | null): string =>
  what === null ? `${title}:` : `${title}: ${what} at ${where}`;

const told = (examination: Examination | null, sentence: string): string[] =>
  examination !== null && hasFailed(examination.checks) ? [sentence] : [];

function renderingText(
  checks: readonly Check[],
  routes: readonly RouteResult[],
  engine: Diagnosis['engine'],
): string[] {
  if (routes.length === 0) return hasFailed(checks) ? ['This machine lacks something.'] : [];
  if (engine === null || hasFailed(checks)) return ['Rendering does not work here yet.'];
  return [`Rendering works here. Engine ${engine.digest}`];
}

const routesText = (routes: readonly RouteResult[]): string[] => [
  'Ways of capturing frames (ms per frame of 1080p, not encoded):',
  ...aligned(routes.map(rowOf)).flatMap((line, at) => [
    line,
    ...(routes[at]?.problem == null ? [] : [`${INDENT}${routes[at].problem}`]),
    ...(routes[at]?.notes ?? []).map((note) => `${INDENT}${note}`),
  ]),
  ...pixelsText(routes),
];

const INDENT = '         ';

const hasFailed = (checks: readonly Check[]): boolean => checks.some(({ status }) => status === 'failed');

const checksText = (checks: readonly Check[]): string[] =>
  aligned(checks.map(({ name, status, found }) => [SIGNS[status], name, found])).flatMap((line, at) =>
    withTodo(line, checks[at]?.todo ?? null),
  );

const withTodo = (line: string, todo: string | null): string[] => (todo === null ? [line] : [line, `${INDENT}${todo}`]);

function rowOf({ route, executable, works, msPerFrame, isChosen }: RouteResult): string[] {
  const time = msPerFrame === null ? '' : `${msPerFrame.toFixed(1)} ms`;
  return [works ? 'works' : 'no', route, time, executable ?? '', isChosen ? '<- taken' : ''];
}

/** Whether workers of this machine can share one fingerprint, whichever route they take. */
function pixelsText(routes: readonly RouteResult[]): string[] {
  const working = routes.filter(({ works }) => works);
  if (working.length < 2) return [];
  const others = working.filter(({ samePixels }) => samePixels === false);
  if (others.length === 0 && new Set(working.map(({ pixels }) => pixels)).size === 1) {
    return ['All routes that work give the same pixels: one fingerprint.'];
  }
  return others.map(
    ({ route, executable }) => `${route} with ${executable} draws differently here: it has a fingerprint of its own.`,
  );
}

/** Columns as wide as their widest cell; the last is not padded. */
function aligned(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}
