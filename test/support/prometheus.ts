/**
 * Debian's Prometheus with the rules of deploy/observability, which scrapes one worker process twice a second. So are the rules evaluated, and
 * a p95 is one of however few renders: what is recorded every five minutes, of a hundred and more, is there after a night of two.
 */

import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';
import { PortChooser } from '../../src/stack/ports.ts';
import { until } from './nightreel.ts';
import { OBSERVABILITY } from './observability.ts';

const rule = z.object({ name: z.string(), health: z.string() });
const ruleGroups = z.object({ data: z.object({ groups: z.array(z.object({ rules: z.array(rule) })) }) });

export class TestPrometheus implements AsyncDisposable {
  private readonly folder: string;
  private readonly url: string;
  private readonly child: ChildProcess;

  private constructor(folder: string, url: string, child: ChildProcess) {
    this.folder = folder;
    this.url = url;
    this.child = child;
  }

  /** Returns once it has scraped the worker at this port. */
  static async start(workerPort: number): Promise<TestPrometheus> {
    const folder = await mkdtemp(join(tmpdir(), 'nightreel-prometheus-'));
    const config = (await readFile(join(OBSERVABILITY, 'prometheus.yml'), 'utf8'))
      .replace('localhost:9464', `127.0.0.1:${workerPort}`)
      .replace('scrape_interval: 15s', 'scrape_interval: 500ms')
      .replace('evaluation_interval: 1m', 'evaluation_interval: 500ms');
    await writeFile(join(folder, 'prometheus.yml'), config);
    const rules = (await readFile(join(OBSERVABILITY, 'rules.yml'), 'utf8'))
      .replace('interval: 5m', 'interval: 500ms')
      .replace('>= 100', '> 0');
    await writeFile(join(folder, 'rules.yml'), rules);
    const address = `127.0.0.1:${await new PortChooser().choose()}`;
    const child = spawn(
      'prometheus',
      [
        `--config.file=${join(folder, 'prometheus.yml')}`,
        `--storage.tsdb.path=${join(folder, 'data')}`,
        `--web.listen-address=${address}`,
      ],
      { stdio: 'ignore' },
    );
    const prometheus = new TestPrometheus(folder, `http://${address}`, child);
    try {
      await until(async () => {
        const answer = await prometheus.query('up == 1').catch(() => '');
        return answer === '' ? null : answer;
      }, 'Prometheus to have scraped the worker');
    } catch (error) {
      await prometheus[Symbol.asyncDispose]();
      throw error;
    }
    return prometheus;
  }

  /** What `promtool query instant` prints: a line for each series. Throws when the expression is refused. */
  async query(expression: string): Promise<string> {
    const { stdout } = await promisify(execFile)('promtool', ['query', 'instant', this.url, expression]);
    return stdout.trim();
  }

  /** Of each rule its name, and how its last evaluation went. */
  async rules(): Promise<string[]> {
    const { data } = ruleGroups.parse(await (await fetch(`${this.url}/api/v1/rules`)).json());
    return data.groups.flatMap(({ rules }) => rules.map(({ name, health }) => `${name}: ${health}`));
  }

  /** The one value of an expression; null when there is none. */
  async value(expression: string): Promise<number | null> {
    const value = / => (\S+) @/.exec(await this.query(expression))?.[1];
    return value === undefined ? null : Number(value);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null && this.child.kill()) {
      await once(this.child, 'exit');
    }
    await rm(this.folder, { recursive: true, force: true });
  }
}
