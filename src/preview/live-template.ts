/** A template that is being worked on: read anew whenever something in its folder changes. */

import { type FSWatcher, watch } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { Failure } from '../contracts/failures.ts';
import { codeOf } from '../machine/system-error.ts';
import { isServed } from '../templates/files.ts';
import { loadTemplate, type Template } from '../templates/template.ts';

export interface TemplateState {
  /** The last that could be read; null: none yet. */
  readonly template: Template | null;
  /** Why what lies there now cannot be; null: `template` is what lies there. */
  readonly problem: string | null;
  /** One more with every change. */
  readonly version: number;
}

export interface TemplatePlace {
  readonly folder: string;
  /** An HTML file in it that is a HyperFrames composition. */
  readonly page?: string | undefined;
}

/** An editor writes a file in several steps, and several files one after the other. */
const QUIET_MS = 120;

export class LiveTemplate implements AsyncDisposable {
  private readonly folder: string;
  private readonly page: string | undefined;
  private readonly onChange: (state: TemplateState) => void;
  private watchers: FSWatcher[] = [];
  private timer: NodeJS.Timeout | null = null;
  private reading: Promise<void> = Promise.resolve();
  private isClosed = false;
  private last: TemplateState = { template: null, problem: null, version: 0 };

  private constructor({ folder, page }: TemplatePlace, onChange: (state: TemplateState) => void) {
    this.folder = folder;
    this.page = page;
    this.onChange = onChange;
  }

  /** A template that is broken is no error: it may be mended. */
  static async open(place: TemplatePlace, onChange: (state: TemplateState) => void): Promise<LiveTemplate> {
    const live = new LiveTemplate(place, onChange);
    await live.read();
    return live;
  }

  get state(): TemplateState {
    return this.last;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.isClosed = true;
    if (this.timer !== null) clearTimeout(this.timer);
    await this.reading;
    this.unwatch();
  }

  private noteChange(): void {
    if (this.isClosed) return;
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      this.reading = this.reading.then(() => this.read());
    }, QUIET_MS);
  }

  private async read(): Promise<void> {
    // First, so that a change while it is read is seen.
    await this.watchAll();
    const { template: before, problem, version } = this.last;
    const read = await loadTemplate(this.folder, this.page).catch((error: unknown) => problemOf(error));
    const next = typeof read === 'string' ? { template: before, problem: read } : { template: read, problem: null };
    const isSame = next.problem === problem && (next.template === before || isAlike(next.template, before));
    if (this.isClosed || isSame) return;
    this.last = { ...next, version: version + 1 };
    if (version > 0) this.onChange(this.last);
  }

  /** One watcher for each folder: they are made anew with every reading, as folders come and go. */
  private async watchAll(): Promise<void> {
    const folders = [this.folder, ...(await foldersIn(this.folder))];
    this.unwatch();
    if (this.isClosed) return;
    const onEvent = (): void => this.noteChange();
    const name = basename(this.folder);
    this.follow(dirname(this.folder), (_, changed) => changed === name && onEvent());
    for (const folder of folders) this.follow(folder, onEvent);
  }

  private follow(folder: string, listener: (event: string, name: string | null) => void): void {
    try {
      const watcher = watch(folder, listener);
      watcher.on('error', () => this.noteChange());
      this.watchers.push(watcher);
    } catch (error) {
      // Gone since it was listed: its parent tells when it comes back.
      const code = codeOf(error);
      if (code !== 'ENOENT' && code !== 'ENOTDIR') throw error;
    }
  }

  private unwatch(): void {
    for (const watcher of this.watchers.splice(0)) watcher.close();
  }
}

async function foldersIn(folder: string, prefix = ''): Promise<string[]> {
  const entries = await readdir(join(folder, prefix), { withFileTypes: true }).catch(() => []);
  const found: string[] = [];
  for (const entry of entries) {
    const path = `${prefix}${entry.name}`;
    if (!entry.isDirectory() || !isServed(path)) continue;
    found.push(join(folder, path), ...(await foldersIn(folder, `${path}/`)));
  }
  return found;
}

function problemOf(error: unknown): string {
  if (error instanceof Failure) return error.message;
  throw error;
}

/** The digest is of what decides pixels; the rest of template.json can be seen as well. */
function isAlike(a: Template | null, b: Template | null): boolean {
  if (a === null || b === null || a.digest !== b.digest) return a === b;
  const seen = ({ title, paramsSchema, example, placeholder }: Template): string =>
    JSON.stringify([title, paramsSchema, example, placeholder]);
  return seen(a) === seen(b);
}
