/** What the template's frame is served: its files, with the engine's scripts put into every page before its own. */

import { readFileSync } from 'node:fs';
import { CLIPS_SCRIPT } from '../rendering/media/declared-clips.ts';
import { isOptional, mediaTypeOf } from '../rendering/page/origin.ts';
import { ENGINE_SCRIPT, templateScript } from '../rendering/page/scripts.ts';
import type { Template } from '../templates/template.ts';
import { withoutHints } from './link-hints.ts';

export interface ServedFile {
  readonly type: string;
  readonly bytes: Uint8Array | string;
}

const ENGINE_PATH = '.nightreel/engine.js';
const FRAME_SCRIPT = readFileSync(new URL('./frame/frame.js', import.meta.url), 'utf8');
/** Kept for the frame's own script, which takes it away again. */
const AUDIBLE = `window.__nightreelAudible = () =>\n${CLIPS_SCRIPT.trimEnd().replace(/;$/, '')};`;

/** The file of that path; null when the template has none, which a render would be refused for. */
export function frameFile(template: Template, path: string): ServedFile | null {
  if (path === ENGINE_PATH) {
    const scripts = [AUDIBLE, FRAME_SCRIPT, ENGINE_SCRIPT, templateScript(template, null, null)];
    return { type: mediaTypeOf(path), bytes: scripts.join('\n;\n') };
  }
  const bytes = template.files.get(path);
  if (bytes === undefined) {
    // The runtime asks for it and does without; an error in the console would be nobody's.
    return isOptional(path) ? { type: 'application/json', bytes: '[]' } : null;
  }
  const type = mediaTypeOf(path);
  const isPage = type.startsWith('text/html');
  return { type, bytes: isPage ? withEngine(withoutHints(Buffer.from(bytes).toString('utf8'))) : bytes };
}

const ATTRIBUTES = `(?:"[^"]*"|'[^']*'|[^'">])*`;
/** What may stand before the first thing in a page's head. */
const BEFORE_HEAD = new RegExp(
  String.raw`^\uFEFF?(?:\s|<!--[\s\S]*?-->|<!doctype${ATTRIBUTES}>)*(?:<html(?=[\s>])${ATTRIBUTES}>)?(?:\s|<!--[\s\S]*?-->)*(?:<head(?=[\s>])${ATTRIBUTES}>)?`,
  'i',
);

/** A page whose first script is the engine's; the script takes its own element away. Pure. */
export function withEngine(html: string): string {
  const [before = ''] = BEFORE_HEAD.exec(html) ?? [];
  return `${before}<script src="/${ENGINE_PATH}"></script>${html.slice(before.length)}`;
}
