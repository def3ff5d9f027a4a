/** An examination as a person reads it. Pure. */

import type { Check, Diagnosis, RouteResult } from './check.ts';

const SIGNS = { ok: 'ok', warning: 'warning', failed: 'FAILED' } as const satisfies Record<Check['status'], string>;

export function diagnosisText({ checks, store, routes, engine }: Diagnosis): string {
  const renders = engine !== null && !hasFailed(checks);
  const lines = [
    ...checksText(checks),
    '',
    store.bucket === null ? 'Object store:' : `Object store: bucket ${store.bucket} at ${store.endpoint}`,
    ...checksText(store.checks),
    '',
    'Ways of capturing frames (ms per frame of 1080p, not encoded):',
    ...aligned(routes.map(rowOf)).flatMap((line, at) => [
      line,
      ...(routes[at]?.problem == null ? [] : [`${INDENT}${routes[at].problem}`]),
      ...(routes[at]?.notes ?? []).map((note) => `${INDENT}${note}`),
    ]),
    ...pixelsText(routes),
    '',
    ...(hasFailed(store.checks) ? ['The object store does not do what it must.'] : []),
    renders ? `Rendering works here. Engine ${engine.digest}` : 'Rendering does not work here yet.',
  ];
  return `${lines.join('\n')}\n`;
}

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
