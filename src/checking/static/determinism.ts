/** What in a template's source follows something else than the params and the frame's time. */

import { generate, walk } from 'css-tree';
import { animatedFormatOf } from '../../rendering/page/animated-image.ts';
import type { Finding } from '../finding.ts';
import { found } from '../rules.ts';
import type { Page, PageElement } from '../source/page.ts';
import type { Style } from '../source/style.ts';
import type { TemplateSource } from '../source/template-source.ts';
import { bytesOf, targetOf } from './addresses.ts';
import { countingLoops } from './counting-loops.ts';
import { findingsInScript } from './script-rules.ts';
import type { StaticCheck } from './static-check.ts';

export const determinism: StaticCheck = {
  id: 'determinism',
  run: (source) => [
    ...source.pages.flatMap(ofPage),
    ...source.styles.flatMap(ofStyle),
    ...source.scripts.flatMap((script) => [...findingsInScript(script), ...countingLoops(script)]),
    ...animatedPictures(source),
  ],
};

function ofPage({ elements }: Page): Finding[] {
  const inCompositions = new Set(
    elements.filter(({ attributes }) => attributes.has('data-composition-id')).flatMap(descendantsOf),
  );
  return elements.flatMap((element): Finding[] => {
    if (element.tag === 'marquee') return [found('marquee', element.place, 'There is a <marquee>.')];
    const addresses = element.tag === 'video' ? addressesOf(element) : [];
    if (addresses.length === 0) return [];
    if (!element.attributes.has('data-start') && !inCompositions.has(element)) {
      return [found('video', element.place, 'There is a <video> that has no place on the timeline.')];
    }
    const isInline = addresses.some((address) => /^\s*(?:data|blob):/i.test(address));
    return isInline ? [found('video', element.place, 'A <video> has its film in its address.')] : [];
  });
}

/** Of its own, or of its sources. */
const addressesOf = ({ attributes, children }: PageElement): string[] =>
  [attributes, ...children.filter(({ tag }) => tag === 'source').map((child) => child.attributes)].flatMap((one) => {
    const address = one.get('src');
    return address === undefined ? [] : [address];
  });

function descendantsOf({ children }: PageElement): PageElement[] {
  const found = [...children];
  // Grows as it is gone through.
  for (const one of found) found.push(...one.children);
  return found;
}

function ofStyle({ tree, placeOf }: Style): Finding[] {
  const findings: Finding[] = [];
  walk(tree, {
    visit: 'Declaration',
    enter(node) {
      const name = node.property.toLowerCase().replace(/^-webkit-/, '');
      if (name !== 'transition' && name !== 'transition-duration') return;
      const value = generate(node.value).toLowerCase();
      const lasts = [...value.matchAll(/([\d.]+)m?s\b/g)].some(([, number]) => Number(number) > 0);
      if (lasts || value.includes('var('))
        findings.push(found('transition', placeOf(node), 'A CSS transition is declared.'));
    },
  });
  return findings;
}

function animatedPictures({ references, files }: TemplateSource): Finding[] {
  return references.flatMap((reference): Finding[] => {
    if (reference.use !== 'picture' && reference.use !== 'data') return [];
    const target = targetOf(reference);
    const bytes = bytesOf(target, files);
    const format = bytes === undefined ? null : animatedFormatOf(bytes);
    if (format === null) return [];
    const which = target.kind === 'file' ? `'${target.path}'` : 'The embedded picture';
    return [found('animated-picture', reference.place, `${which} is an animated ${format}.`)];
  });
}
