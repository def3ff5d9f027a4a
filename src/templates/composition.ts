/** A HyperFrames composition without a template.json: what the latter would say is read from its own HTML. */

import { readFile } from 'node:fs/promises';
import { basename, join, posix, resolve } from 'node:path';
import { parseHTML } from 'linkedom';
import { Failure } from '../contracts/failures.ts';
import { paramsOf, VARIABLES_ATTRIBUTE } from './composition-variables.ts';
import type { TemplateFile } from './template-file.ts';

/** What `hyperframes render` takes where a composition says none. */
const DEFAULT_FPS = 30;
/** HyperFrames' own: 1.1 × 30 is 33.000000000000004, and 33 frames. */
const FRAME_EPSILON = 1e-3;

/** What is needed of the DOM; TypeScript is not told of all of it, as nothing else here runs in a page. */
interface Element {
  readonly innerHTML: string;
  readonly textContent: string | null;
  getAttribute(name: string): string | null;
  closest(selector: string): Element | null;
}
interface Document {
  readonly documentElement: Element;
  querySelector(selector: string): Element | null;
  querySelectorAll(selector: string): Iterable<Element>;
}

/**
 * A template.json for a composition: its size, frames and length from the attributes of its root, its variables as params
 * with their defaults as example and placeholder. Failure `TemplateInvalid` names the file and what is missing or wrong.
 */
export async function readComposition(
  folder: string,
  entry: string,
): Promise<Omit<TemplateFile, 'scenes' | 'soundtrack'>> {
  const path = join(folder, entry);
  const invalid = (what: string) => new Failure('TemplateInvalid', `${path}: ${what}`);
  const { document }: { document: Document } = parseHTML(await readFile(path, 'utf8'));
  const [root] = [...document.querySelectorAll('[data-composition-id]')].filter(
    (one) => one.closest('template') === null,
  );
  if (root === undefined) {
    const isNested = document.querySelector('template')?.innerHTML.includes('data-composition-id') === true;
    throw invalid(
      isNested
        ? 'its composition is inside <template>, which makes it a part of another. Render the composition that has it as data-composition-src.'
        : 'no element has data-composition-id. A template is a folder with a template.json, or with a HyperFrames composition as its index.html.',
    );
  }

  const attribute = (name: string): string | null => root.getAttribute(name)?.trim() || null;
  const number = (name: string, what: string, fits: (value: number) => boolean): number => {
    const text = attribute(name);
    if (text === null) throw invalid(`its root has no ${name}. Write ${name}="…" there, ${what}.`);
    const value = Number(text);
    if (!fits(value)) throw invalid(`its root has ${name}="${text}", which is not ${what}.`);
    return value;
  };
  const side = (name: string): number =>
    number(name, 'a whole number of pixels from 2 to 8192', (value) => isWhole(value, 2, 8192));
  const fps =
    attribute('data-fps') === null
      ? DEFAULT_FPS
      : number('data-fps', 'a whole number from 1 to 120', (value) => isWhole(value, 1, 120));
  const seconds = number('data-duration', 'seconds from 0 to 3600', (value) => value > 0 && value <= 3600);
  await assertNested(document, { folder, entry, invalid });

  const declarers = [document.documentElement, ...document.querySelectorAll(`[${VARIABLES_ATTRIBUTE}]`)];
  const texts = [...new Set(declarers)].flatMap((element) => element.getAttribute(VARIABLES_ATTRIBUTE) ?? []);
  const { schema, defaults } = paramsOf(texts, invalid);
  return {
    id: idOf(folder, entry),
    title: document.querySelector('title')?.textContent?.trim() || undefined,
    entry,
    width: side('data-width'),
    height: side('data-height'),
    fps,
    durationMs: Math.round((framesOf(seconds, fps) * 1000) / fps),
    contract: 'stock',
    repaints: 'parts',
    fonts: [],
    params: schema,
    example: defaults,
    placeholder: defaults,
  };
}

const isWhole = (value: number, from: number, to: number): boolean =>
  Number.isInteger(value) && value >= from && value <= to;

/** As HyperFrames counts them: a frame that has begun is shown. */
function framesOf(seconds: number, fps: number): number {
  const exact = seconds * fps;
  const nearest = Math.round(exact);
  return Math.max(1, Math.abs(exact - nearest) <= FRAME_EPSILON ? nearest : Math.ceil(exact));
}

/** The folder's name, as letters, digits and dashes, and the file's where it is not the folder's own page. */
function idOf(folder: string, entry: string): string {
  const name = basename(resolve(folder)) + (entry === 'index.html' ? '' : `-${basename(entry, '.html')}`);
  const id = name.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-');
  return id.replace(/^-/, '').slice(0, 63) || 'composition';
}

/** The runtime would leave a part out whose file is not there. */
async function assertNested(
  document: Document,
  { folder, entry, invalid }: { folder: string; entry: string; invalid: (what: string) => Failure },
): Promise<void> {
  for (const host of document.querySelectorAll('[data-composition-src]')) {
    const src = host.getAttribute('data-composition-src')?.trim() ?? '';
    if (URL.canParse(src) || src.startsWith('//')) continue;
    const path = posix.normalize(posix.join(posix.dirname(entry), src.replace(/[?#].*$/, '')));
    const isThere = await readFile(join(folder, path)).then(
      () => true,
      () => false,
    );
    if (!isThere) throw invalid(`it nests '${src}' (data-composition-src), and there is no such file in its folder.`);
  }
}
