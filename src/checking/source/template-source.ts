/** A template's folder as text to be looked at: read once, parsed once, whatever state it is in. */

import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Failure } from '../../contracts/failures.ts';
import { readComposition } from '../../templates/composition.ts';
import { readTemplateFiles } from '../../templates/files.ts';
import {
  COMPOSITION_FILE,
  parseTemplateFile,
  TEMPLATE_FILE,
  type TemplateFile,
} from '../../templates/template-file.ts';
import { Declaration } from './declaration.ts';
import { type Page, readPage } from './page.ts';
import { type Reference, referencesOf } from './references.ts';
import { readScript, type Script } from './script.ts';
import { readInlineStyle, readStyle, type Style } from './style.ts';
import { TextFile } from './text-file.ts';

export interface TemplateSource {
  readonly folder: string;
  /** Null: there is no template.json. */
  readonly declaration: Declaration | null;
  /** The HyperFrames composition that stands in for template.json, and why it cannot; null: there is none, or a template.json. */
  readonly composition: { readonly file: string; readonly fault: string | null } | null;
  /** What template.json or the composition says; null when it is missing or wrong. */
  readonly declared: TemplateFile | null;
  /** Every file that the page can ask for. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** Of these, what is text and is looked into. */
  readonly texts: readonly TextFile[];
  /** The page that is drawn; null when it is missing. */
  readonly entry: Page | null;
  readonly pages: readonly Page[];
  readonly styles: readonly Style[];
  readonly scripts: readonly Script[];
  /** Every file or address that is asked for, as far as it can be read. */
  readonly references: readonly Reference[];
}

const SCRIPT_TYPES = ['', 'module', 'text/javascript', 'application/javascript'];

/**
 * `page`: an HTML file in the folder that is read as a HyperFrames composition. Failure `TemplateInvalid`: the folder itself
 * cannot be read, or holds more than a template may.
 */
export async function readTemplateSource(folder: string, page?: string): Promise<TemplateSource> {
  const isFolder = await stat(folder).then(
    (entry) => entry.isDirectory(),
    () => false,
  );
  if (!isFolder) throw new Failure('TemplateInvalid', `${folder} is no folder. A template is a folder.`);
  const json = page === undefined ? await readFile(join(folder, TEMPLATE_FILE)).catch(() => null) : null;
  const declaration = json === null ? null : new Declaration(new TextFile(TEMPLATE_FILE, json));
  const parsed = declaration === null || declaration.fault !== null ? null : parseTemplateFile(declaration.value);

  const files = await readTemplateFiles(folder);
  const stand = json === null ? await readStandIn(folder, page ?? COMPOSITION_FILE, files) : null;
  const declared = stand?.declared ?? (parsed?.success === true ? parsed.data : null);
  const texts: TextFile[] = [];
  const pages: Page[] = [];
  const styles: Style[] = [];
  const scripts: Script[] = [];
  const modules = new Set<string>();
  const late: { readonly file: TextFile; readonly kind: 'js' | 'mjs' }[] = [];
  for (const [path, bytes] of files) {
    const kind = /\.(html?|svg|css|m?js)$/i.exec(path)?.[1]?.toLowerCase();
    if (kind === undefined) continue;
    const file = new TextFile(path, bytes);
    texts.push(file);
    if (kind === 'css') styles.push(readStyle(file, file.text));
    else if (kind === 'js' || kind === 'mjs') late.push({ file, kind });
    else {
      const page = readPage(file);
      pages.push(page);
      takeInline(page, { styles, scripts, modules });
    }
  }
  // Whether a file is a module is told by the page that asks for it, or by another module.
  for (const { file, kind } of late) {
    const isModule = kind === 'mjs' || modules.has(file.path.split('/').at(-1) ?? '') || hasImports(file.text);
    scripts.push(readScript(file, { text: file.text, start: 0, isModule }));
  }
  const entryPath = declared?.entry ?? page ?? COMPOSITION_FILE;
  const entry = pages.find(({ file }) => file.path === entryPath) ?? null;
  const references = referencesOf({ pages, styles, scripts, scriptBase: entryPath });
  const composition = stand === null ? null : { file: stand.file, fault: stand.fault };
  return { folder, declaration, composition, declared, files, texts, entry, pages, styles, scripts, references };
}

interface StandIn {
  readonly file: string;
  readonly declared: TemplateFile | null;
  readonly fault: string | null;
}

/** Null: the file is not there. */
async function readStandIn(
  folder: string,
  file: string,
  files: ReadonlyMap<string, Uint8Array>,
): Promise<StandIn | null> {
  if (!files.has(file)) return null;
  try {
    return { file, declared: await readComposition(folder, file), fault: null };
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    return { file, declared: null, fault: error.message.replace(`${join(folder, file)}: `, `${file}: `) };
  }
}

interface Inline {
  readonly styles: Style[];
  readonly scripts: Script[];
  /** File names of scripts that the page loads as modules. */
  readonly modules: Set<string>;
}

function takeInline({ file, elements }: Page, { styles, scripts, modules }: Inline): void {
  for (const { tag, attributes, inner, placeOf } of elements) {
    const text = file.text.slice(inner.start, inner.end);
    const inline = attributes.get('style');
    if (inline !== undefined) styles.push(readInlineStyle(file, inline, placeOf('style')));
    if (tag === 'style') styles.push(readStyle(file, text, inner.start));
    if (tag !== 'script') continue;
    const type = (attributes.get('type') ?? '').trim().toLowerCase();
    const source = attributes.get('src') ?? attributes.get('href') ?? attributes.get('xlink:href');
    if (source !== undefined) {
      if (type === 'module') modules.add(source.split(/[?#]/)[0]?.split('/').at(-1) ?? '');
    } else if (SCRIPT_TYPES.includes(type)) {
      scripts.push(readScript(file, { text, start: inner.start, isModule: type === 'module' }));
    }
  }
}

const hasImports = (text: string): boolean => /^\s*(?:import\b(?!\s*\()|export\b)/m.test(text);
