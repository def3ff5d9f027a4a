/** Whether what the page writes with is in the template: families, weights and files. */

import type { Finding } from '../finding.ts';
import { found } from '../rules.ts';
import type { TemplateSource } from '../source/template-source.ts';
import { targetOf } from './addresses.ts';
import { type Face, type FontUse, fontsOf, type TemplateFonts } from './font-uses.ts';
import type { StaticCheck } from './static-check.ts';

export const fonts: StaticCheck = {
  id: 'fonts',
  run(source) {
    const used = fontsOf(source);
    return [
      ...used.faces.flatMap((face) => filesOf(face, source.files)),
      ...declaredOnly(source, used),
      ...notEmbedded(used),
      ...weightsOf(used),
    ];
  },
};

function filesOf({ sources, family, place }: Face, files: TemplateSource['files']): Finding[] {
  if (sources.length === 0) {
    return [found('font-file', place, `The @font-face of '${family}' has no file: local() takes what the worker has.`)];
  }
  return sources.flatMap((reference): Finding[] => {
    const target = targetOf(reference);
    if (target.kind === 'file') {
      const bytes = files.get(target.path);
      if (bytes === undefined)
        return [found('font-file', reference.place, `'${target.path}' is not in the template's folder.`)];
      return isFont(bytes) ? [] : [found('font-file', reference.place, `'${target.path}' is no font.`)];
    }
    if (target.kind === 'data' && !isFont(target.decode())) {
      return [found('font-file', reference.place, `What is embedded for '${family}' is no font.`)];
    }
    return [];
  });
}

/** The first four bytes: WOFF2, WOFF, OpenType with CFF, TrueType, a collection. */
const isFont = (bytes: Uint8Array): boolean =>
  ['wOF2', 'wOFF', 'OTTO', '\0\x01\0\0', 'true', 'ttcf'].includes(Buffer.from(bytes.subarray(0, 4)).toString('latin1'));

function declaredOnly({ declared, declaration }: TemplateSource, { faces, made }: TemplateFonts): Finding[] {
  if (declared === null || declaration === null || made === 'unknown') return [];
  return declared.fonts.flatMap(({ family, weights }, index): Finding[] => {
    const name = family.toLowerCase();
    if (made.has(name)) return [];
    const own = faces.filter((face) => face.family.toLowerCase() === name);
    if (own.length === 0) {
      return [found('font-undeclared', declaration.placeOf(['fonts', index]), `No @font-face brings '${family}'.`)];
    }
    return weights.flatMap((weight, at): Finding[] => {
      if (own.some((face) => covers(face, weight))) return [];
      const place = declaration.placeOf(['fonts', index, 'weights', at]);
      return [found('font-undeclared', place, `No @font-face brings '${family}' in weight ${weight}.`)];
    });
  });
}

const covers = ({ from, to }: Face, weight: number): boolean => weight >= from && weight <= to;

const GENERIC =
  /^(?:serif|sans-serif|monospace|cursive|fantasy|math|emoji|fangsong|system-ui|ui-[a-z-]+|-apple-system|blinkmacsystemfont)$/i;

/** Each family once, where it is first named. */
function notEmbedded({ faces, made, uses }: TemplateFonts): Finding[] {
  if (made === 'unknown') return [];
  const embedded = new Set([...made, ...faces.map(({ family }) => family.toLowerCase())]);
  const told = new Set<string>();
  return uses.flatMap(({ families, place }): Finding[] => {
    const [first] = families;
    if (first === undefined || embedded.has(first.toLowerCase())) return [];
    const key = GENERIC.test(first) ? 'generic' : first.toLowerCase();
    if (told.has(key)) return [];
    told.add(key);
    if (key === 'generic') return [found('font-generic', place, `The only font named is '${first}'.`)];
    return [found('font-not-embedded', place, `No @font-face brings '${first}'.`)];
  });
}

/** Of families that are embedded; a weight without a family is that of the only one there is. */
function weightsOf({ faces, made, uses, weights }: TemplateFonts): Finding[] {
  if (made === 'unknown' || made.size > 0) return [];
  const firsts = new Set(uses.flatMap(({ families: [first] }) => (first === undefined ? [] : [first.toLowerCase()])));
  const only = firsts.size === 1 ? [...firsts][0] : undefined;
  const told = new Set<string>();
  return weights.flatMap(({ families, weight, place }: FontUse & { readonly weight: number }): Finding[] => {
    const family = families[0]?.toLowerCase() ?? only;
    const own = faces.filter((face) => face.family.toLowerCase() === family);
    const key = `${family} ${weight}`;
    if (own.length === 0 || own.some((face) => covers(face, weight)) || told.has(key)) return [];
    told.add(key);
    return [found('font-weight', place, `No @font-face brings '${own[0]?.family}' in weight ${weight}.`)];
  });
}
