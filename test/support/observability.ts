/** What the rules and panels of deploy/observability ask Prometheus. */

import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';

export const OBSERVABILITY = resolve(import.meta.dirname, '../../deploy/observability');

const rule = z.object({
  alert: z.string().nullable().default(null),
  record: z.string().nullable().default(null),
  expr: z.string(),
});
const ruleFile = z.object({ groups: z.array(z.object({ rules: z.array(rule) })) });
const dashboard = z.object({ panels: z.array(z.object({ targets: z.array(z.object({ expr: z.string() })) })) });

export async function ruleExpressions(folder = OBSERVABILITY): Promise<z.infer<typeof rule>[]> {
  const text = await readFile(join(folder, 'rules.yml'), 'utf8');
  return ruleFile.parse(parse(text)).groups.flatMap(({ rules }) => rules);
}

/** As Grafana would send them. */
export async function panelExpressions(folder = OBSERVABILITY): Promise<string[]> {
  const text = await readFile(join(folder, 'grafana/dashboards/nightreel.json'), 'utf8');
  const { panels } = dashboard.parse(JSON.parse(text));
  return panels.flatMap(({ targets }) => targets.map(({ expr }) => expr.replaceAll('$__rate_interval', '5m')));
}

/** What an alert compares: the left side of its first comparison. */
export function comparedIn(expression: string): string {
  const [left = ''] = expression.split(/\s(?:[<>]=?|[=!]=)\s/);
  // What is open there still is around the comparison.
  let depth = 0;
  for (let at = left.length - 1; at >= 0; at -= 1) {
    if (left[at] === ')') depth += 1;
    if (left[at] === '(') depth -= 1;
    if (depth < 0) return left.slice(at + 1);
  }
  return left;
}

/** Names of the metrics that are ours: all but `up`, which is Prometheus's own. */
export const metricsIn = (expressions: readonly string[]): string[] =>
  [...new Set(expressions.flatMap((text) => text.match(/\bnightreel[_:][\w:]*/g) ?? []))].sort();
