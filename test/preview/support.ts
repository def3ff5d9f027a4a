/** A preview of a template of the test's own, whose files it may change. */

import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findTools } from '../../src/config/tools.ts';
import type { People } from '../../src/preview/param-sets.ts';
import { PreviewServer } from '../../src/preview/server.ts';
import { Renderer } from '../../src/rendering/renderer.ts';
import { keptLog } from '../rendering/support.ts';

const CARD = join(import.meta.dirname, '../fixtures/project/templates/card');

export class TestPreview implements AsyncDisposable {
  readonly folder: string;
  readonly server: PreviewServer;
  /** How many engines were started. */
  readonly engines: () => number;

  private constructor(folder: string, server: PreviewServer, engines: () => number) {
    this.folder = folder;
    this.server = server;
    this.engines = engines;
  }

  /** Of the template `card`, 2 s at 15 fps; `change` sees its folder first. */
  static async start(
    people: ReadonlyMap<string, People> = new Map(),
    change: (folder: string) => Promise<unknown> = async () => undefined,
  ): Promise<TestPreview> {
    const folder = await mkdtemp(join(tmpdir(), 'nightreel-preview-'));
    await cp(CARD, folder, { recursive: true });
    await change(folder);
    let engines = 0;
    const server = await PreviewServer.start({
      ...{ folder, people, port: 0 },
      start: (signal) => {
        engines += 1;
        return Renderer.start({ tools: findTools(), slots: 1, log: keptLog(), signal });
      },
    });
    return new TestPreview(folder, server, () => engines);
  }

  get url(): URL {
    return new URL(this.server.address);
  }

  async read(file: string): Promise<string> {
    return await readFile(join(this.folder, file), 'utf8');
  }

  async write(file: string, text: string): Promise<void> {
    await writeFile(join(this.folder, file), text);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server[Symbol.asyncDispose]();
    await rm(this.folder, { recursive: true });
  }
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly text: string;
}

/** A request as nobody's browser would send it: any path, any name of a host. */
export async function ask(
  url: URL,
  path: string,
  { headers = {}, body }: { readonly headers?: Readonly<Record<string, string>>; readonly body?: unknown } = {},
): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const method = body === undefined ? 'GET' : 'POST';
  const sent = request({ host: '127.0.0.1', port: url.port, path, method, headers, agent: false }, (response) => {
    const chunks: Buffer[] = [];
    response.on('data', (chunk: Buffer) => chunks.push(chunk));
    response.on('error', reject);
    response.on('end', () => {
      const text = Buffer.concat(chunks).toString('utf8');
      resolve({ status: response.statusCode ?? 0, headers: response.headers, text });
    });
  });
  sent.on('error', reject);
  sent.end(body === undefined ? undefined : JSON.stringify(body));
  return await promise;
}
