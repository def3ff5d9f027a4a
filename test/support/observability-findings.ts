/** Whether Prometheus, its Alertmanager, Grafana and the collector can read the files of deploy/, and find in them what they name. */

import { execFile } from 'node:child_process';
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import { z } from 'zod';
import type { Compose } from './compose.ts';
import { metricsIn, ruleExpressions } from './observability.ts';

/** Runs a checker; what it says where it refuses, in lines. */
const refusal = (program: string, args: readonly string[], cwd: string): Promise<string[]> =>
  new Promise((resolve, reject) => {
    execFile(program, args, { cwd }, (error, stdout, stderr) => {
      if (error === null) resolve([]);
      else if (typeof error.code === 'string') reject(error);
      else
        resolve(
          `${stdout}${stderr}`.split('\n').filter((line) => line !== '' && !/^Checking(?!.*FAILED)|SUCCESS/.test(line)),
        );
    });
  });

/** The sentences of a value that is not as Grafana or the collector would have it. */
function shapeFindings(name: string, schema: z.ZodType, value: unknown): string[] {
  const { error } = schema.safeParse(value);
  return (error?.issues ?? []).map(({ path, message }) => `${name}: ${path.join('.')}: ${message}`);
}

export interface Deployed {
  /** deploy/, or a copy of it. */
  readonly folder: string;
  readonly compose: Compose;
  /** Names of the series that workers have. */
  readonly series: ReadonlySet<string>;
}

/** A sentence for whatever is wrong. */
export async function observabilityFindings(deployed: Deployed): Promise<string[]> {
  const { folder } = deployed;
  const observability = join(folder, 'observability');
  const findings = await Promise.all([
    refusal('promtool', ['check', 'rules', 'rules.yml'], observability),
    refusal('promtool', ['check', 'config', 'prometheus.yml'], observability),
    refusal('amtool', ['check-config', 'alertmanager.yml'], observability),
    composePrometheus(deployed),
    grafana(deployed),
    collector(deployed),
  ]);
  return findings.flat();
}

const scrapes = z.object({
  alerting: z.object({
    alertmanagers: z.array(z.object({ static_configs: z.array(z.object({ targets: z.array(z.string()) })) })),
  }),
  scrape_configs: z.array(
    z.object({
      static_configs: z.array(z.object({ targets: z.array(z.string()) })).default([]),
      dns_sd_configs: z.array(z.object({ names: z.array(z.string()), port: z.number() })).default([]),
    }),
  ),
});

/** Beside the rules, as docker-compose.yml mounts it; and each target is a service that serves metrics there. */
async function composePrometheus({ folder, compose }: Deployed): Promise<string[]> {
  const mounted = await mkdtemp(join(tmpdir(), 'nightreel-prometheus-'));
  try {
    // The container writes the token that promtool looks for.
    const token = join(mounted, 'metrics-token');
    await writeFile(token, 'token');
    const config = await readFile(join(folder, 'compose/prometheus.yml'), 'utf8');
    await writeFile(join(mounted, 'prometheus.yml'), config.replaceAll('/run/nightreel/metrics-token', token));
    await cp(join(folder, 'observability/rules.yml'), join(mounted, 'rules.yml'));
    const refused = await refusal('promtool', ['check', 'config', 'prometheus.yml'], mounted);
    if (refused.length > 0) return refused;
    const { alerting, scrape_configs } = scrapes.parse(parse(await readFile(join(mounted, 'prometheus.yml'), 'utf8')));
    const targets = [...scrape_configs, ...alerting.alertmanagers].flatMap(({ static_configs }) =>
      static_configs.flatMap((one) => one.targets),
    );
    const found = scrape_configs.flatMap(({ dns_sd_configs }) =>
      dns_sd_configs.flatMap(({ names, port }) => names.map((name) => `${name}:${port}`)),
    );
    return [...targets, ...found].flatMap((target) => {
      const [name = '', port = ''] = target.split(':');
      const service = compose.services[name];
      if (service === undefined) return [`Prometheus asks ${target}, which is no service of docker-compose.yml`];
      const served = [...Object.values(service.environment), ...service.ports.map((mapping) => `:${mapping}`)];
      return served.some((value) => value === port || value.endsWith(`:${port}`))
        ? []
        : [`Prometheus asks ${target}, and ${name} serves nothing at that port`];
    });
  } finally {
    await rm(mounted, { recursive: true });
  }
}

const sourceReference = z.object({ type: z.string(), uid: z.string() });
const panel = z.object({
  id: z.number().int().positive(),
  type: z.enum(['stat', 'timeseries', 'table', 'text', 'gauge', 'bargauge']),
  title: z.string().min(1),
  datasource: sourceReference,
  gridPos: z.object({ x: z.number().min(0), y: z.number().min(0), w: z.number().min(1).max(24), h: z.number().min(1) }),
  fieldConfig: z.object({ defaults: z.object({}), overrides: z.array(z.unknown()) }),
  targets: z.array(z.object({ refId: z.string(), datasource: sourceReference, expr: z.string().min(1) })).min(1),
});
const dashboard = z.object({
  uid: z.string().min(1).max(40),
  title: z.string().min(1),
  schemaVersion: z.number().int(),
  time: z.object({ from: z.string(), to: z.string() }),
  panels: z.array(panel).min(1),
});
const provider = z.strictObject({
  apiVersion: z.literal(1),
  providers: z.array(
    z.strictObject({
      name: z.string(),
      type: z.literal('file'),
      options: z.strictObject({ path: z.string().startsWith('/') }),
    }),
  ),
});
const sources = z.strictObject({
  apiVersion: z.literal(1),
  datasources: z.array(
    z.strictObject({
      name: z.string(),
      uid: z.string(),
      type: z.string(),
      access: z.literal('proxy'),
      url: z.url(),
      isDefault: z.boolean().optional(),
    }),
  ),
});

async function grafana({ folder, compose, series }: Deployed): Promise<string[]> {
  const at = join(folder, 'observability/grafana');
  const provisioned = [
    'observability/grafana/provisioning/datasources/prometheus.yml',
    'compose/grafana-datasources.yml',
  ];
  const known = new Set(series);
  for (const { record } of await ruleExpressions(join(folder, 'observability')).catch(() => []))
    if (record !== null) known.add(record);
  const providers = parse(await readFile(join(at, 'provisioning/dashboards/nightreel.yml'), 'utf8'));
  const found = shapeFindings('the provider of dashboards', provider, providers);
  const path = provider.safeParse(providers).data?.providers[0]?.options.path;
  if (path !== undefined && !compose.services['grafana']?.volumes.some((volume) => volume.includes(`:${path}`)))
    found.push(`Grafana looks for dashboards in ${path}, where docker-compose.yml mounts none`);
  const uids = await Promise.all(
    provisioned.map(async (file) => {
      const value = parse(await readFile(join(folder, file), 'utf8'));
      found.push(...shapeFindings(file, sources, value));
      const { datasources = [] } = sources.safeParse(value).data ?? {};
      return datasources.map(({ type, uid }) => `${type} ${uid}`);
    }),
  );
  for (const name of await readdir(join(at, 'dashboards'))) {
    found.push(...(await dashboardFindings(name, await readFile(join(at, 'dashboards', name), 'utf8'), uids, known)));
  }
  return found;
}

async function dashboardFindings(
  name: string,
  text: string,
  sourcesOf: readonly (readonly string[])[],
  known: ReadonlySet<string>,
): Promise<string[]> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return [`${name} is no JSON: ${String(error)}`];
  }
  const shape = shapeFindings(name, dashboard, value);
  if (shape.length > 0) return shape;
  const { panels } = dashboard.parse(value);
  const ids = panels.map(({ id }) => id);
  const named = panels.flatMap(({ datasource, targets }) => [datasource, ...targets.map((one) => one.datasource)]);
  const uids = [...new Set(named.map(({ type, uid }) => `${type} ${uid}`))];
  const expressions = panels.flatMap(({ title, targets }) =>
    targets.map(({ refId, expr }) => ({ title, refId, expr: expr.replaceAll('$__rate_interval', '5m') })),
  );
  const unknown = metricsIn(expressions.map(({ expr }) => expr)).filter((metric) => !known.has(metric));
  return [
    ...ids.filter((id, at) => ids.indexOf(id) !== at).map((id) => `${name}: two panels have the id ${id}`),
    ...uids
      .filter((uid) => sourcesOf.some((provisioned) => !provisioned.includes(uid)))
      .map((uid) => `${name}: the source ${uid} is not provisioned everywhere`),
    ...unknown.map((metric) => `${name}: ${metric} is no metric and no rule`),
    ...(await expressionFindings(name, expressions)),
  ];
}

/** As rules of one group each: promtool then says which of them is no expression. */
async function expressionFindings(
  name: string,
  expressions: readonly { readonly title: string; readonly refId: string; readonly expr: string }[],
): Promise<string[]> {
  const folder = await mkdtemp(join(tmpdir(), 'nightreel-panels-'));
  try {
    const groups = expressions.map(({ title, refId, expr }, at) => ({
      name: `${name}: ${title} (${refId}, ${at})`,
      rules: [{ record: `panel:${at}`, expr }],
    }));
    await writeFile(join(folder, 'panels.yml'), stringify({ groups }));
    return await refusal('promtool', ['check', 'rules', 'panels.yml'], folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

const component = z.record(z.string(), z.unknown());
const pipeline = z.strictObject({
  receivers: z.array(z.string()).min(1),
  processors: z.array(z.string()),
  exporters: z.array(z.string()).min(1),
});
const collectorFile = z.strictObject({
  receivers: component,
  processors: component,
  exporters: component,
  service: z.strictObject({ pipelines: z.partialRecord(z.enum(['traces', 'metrics', 'logs']), pipeline) }),
});
/** What there is of them in the image, by the names of 0.161, that is used here. */
const COMPONENTS = {
  receivers: ['otlp'],
  processors: ['memory_limiter', 'tail_sampling', 'batch'],
  exporters: ['otlp_http'],
} as const;

async function collector({ folder, compose }: Deployed): Promise<string[]> {
  const value = parse(await readFile(join(folder, 'observability/collector.yml'), 'utf8'));
  const shape = shapeFindings('collector.yml', collectorFile, value);
  if (shape.length > 0) return shape;
  const file = collectorFile.parse(value);
  const pipelines = Object.values(file.service.pipelines);
  const kinds = ['receivers', 'processors', 'exporters'] as const;
  const endpoints = Object.values(file.exporters).flatMap((exporter) => {
    const { data } = z.object({ endpoint: z.url() }).safeParse(exporter);
    return data === undefined ? [] : new URL(data.endpoint).hostname;
  });
  return [
    ...kinds.flatMap((kind) => {
      const declared = Object.keys(file[kind]);
      const used = pipelines.flatMap((one) => one[kind]);
      const names: readonly string[] = COMPONENTS[kind];
      return [
        ...used.filter((name) => !declared.includes(name)).map((name) => `collector.yml: ${kind} has no ${name}`),
        ...declared.filter((name) => !used.includes(name)).map((name) => `collector.yml: ${name} is in no pipeline`),
        ...declared
          .filter((name) => !names.includes(name))
          .map((name) => `collector.yml: ${name} is none of the ${kind}`),
      ];
    }),
    ...endpoints
      .filter((host) => !(host in compose.services))
      .map((host) => `collector.yml sends to ${host}, which is no service of docker-compose.yml`),
  ];
}
