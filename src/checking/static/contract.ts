/** Whether the page keeps to the contract: composition, timelines, the message with the params and the answer to it. */

import { simple } from 'acorn-walk';
import { TEMPLATE_FILE, type TemplateFile } from '../../templates/template-file.ts';
import type { Finding } from '../finding.ts';
import { found } from '../rules.ts';
import type { Page, PageElement } from '../source/page.ts';
import type { TemplateSource } from '../source/template-source.ts';
import type { StaticCheck } from './static-check.ts';

export const contract: StaticCheck = {
  id: 'contract',
  run(source) {
    const { declared, declaration, entry, texts, scripts } = source;
    const all = declaration === null ? texts : [declaration.file, ...texts];
    const broken = all
      .filter(({ brokenLine }) => brokenLine !== null)
      .map(({ path, brokenLine }) => found('encoding', { file: path, line: brokenLine }, `${path} is not UTF-8.`));
    const unparsed = scripts.flatMap(({ fault }): Finding[] => {
      if (fault === null) return [];
      return [found('script-syntax', fault.place, `The script cannot be parsed: ${fault.message}.`)];
    });
    if (declared === null) return [...broken, ...unparsed];
    if (entry === null) {
      const place = declaration?.placeOf(['entry']) ?? { file: TEMPLATE_FILE, line: null };
      return [...broken, found('entry-missing', place, `The entry '${declared.entry}' is not a file of the template.`)];
    }
    return [...broken, ...unparsed, ...compositionOf(entry, declared), ...messagesOf(source, entry, declared)];
  },
};

function compositionOf(entry: Page, declared: TemplateFile): Finding[] {
  const root = entry.elements.find(({ attributes }) => attributes.has('data-composition-id'));
  const { file } = entry;
  if (root === undefined) {
    if (declared.contract === 'warm') return [];
    return [found('composition-missing', { file: file.path, line: null }, 'No element has data-composition-id.')];
  }
  const findings: Finding[] = [];
  for (const [name, size] of [
    ['data-width', declared.width],
    ['data-height', declared.height],
  ] as const) {
    const value = numberOf(root, name);
    if (value === null || value === size) continue;
    const what = `${name} is ${value}, and template.json says ${name.slice('data-'.length)} ${size}.`;
    findings.push(found('composition-size', root.placeOf(name), what));
  }
  const seconds = numberOf(root, 'data-duration');
  // Half a frame: authors write 12 where a timeline ends at 11.99.
  if (seconds !== null && Math.abs(seconds * 1000 - declared.durationMs) > 500 / declared.fps) {
    const what = `data-duration is ${seconds} s, and template.json says durationMs ${declared.durationMs}.`;
    findings.push(found('composition-duration', root.placeOf('data-duration'), what));
  }
  return findings;
}

function numberOf({ attributes }: PageElement, name: string): number | null {
  const text = attributes.get(name)?.trim() ?? '';
  return text !== '' && Number.isFinite(Number(text)) ? Number(text) : null;
}

/** Says nothing where a script cannot be read or is missing: what it would do is not known. */
function messagesOf(
  { scripts, files, references, composition }: TemplateSource,
  entry: Page,
  declared: TemplateFile,
): Finding[] {
  const isUnknown =
    scripts.some(({ program }) => program === null) ||
    references.some(({ use, address }) => use === 'script' && !isThere(files, address));
  if (isUnknown) return [];
  const words = new Set<string>();
  for (const { program } of scripts) {
    if (program === null) continue;
    simple(program, {
      Literal: ({ value }) => void words.add(String(value)),
      TemplateElement: ({ value }) => void words.add(value.raw),
      Identifier: ({ name }) => void words.add(name),
      MemberExpression({ property }) {
        if (property.type === 'Identifier') words.add(property.name);
      },
    });
  }
  const place = { file: entry.file.path, line: null };
  const findings: Finding[] = [];
  if (declared.contract === 'warm') {
    if (!words.has('hf-params')) findings.push(found('params-message', place, "No script listens to 'hf-params'."));
    else if (!words.has('hf-params-ready')) {
      findings.push(found('params-ready', place, "No script answers with 'hf-params-ready'."));
    }
  }
  // A composition without a template.json is waited for where it registers a timeline, and nowhere else.
  if (composition !== null || words.has('__timelines') || words.has('__hf')) return findings;
  const compositions = entry.elements.filter(({ attributes }) => attributes.has('data-composition-id'));
  const waiting = compositions.find(({ attributes }) => !attributes.has('data-no-timeline'));
  if (waiting !== undefined) {
    const id = waiting.attributes.get('data-composition-id') ?? '';
    findings.push(found('timeline-missing', waiting.place, `No script registers a timeline for composition '${id}'.`));
  } else if (compositions.length === 0) {
    findings.push(found('timeline-missing', place, 'No script registers a timeline or sets `window.__hf.seek`.'));
  }
  return findings;
}

const isThere = (files: TemplateSource['files'], address: string): boolean => {
  const name = address.split(/[?#]/)[0]?.split('/').at(-1) ?? '';
  return [...files.keys()].some((path) => path.endsWith(name));
};
