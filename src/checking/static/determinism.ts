/** What in a template's source follows something else than the params and the frame's time. */

import { generate, walk } from 'css-tree';
import { animatedFormatOf } from '../../rendering/page/animated-image.ts';
import type { Finding } from '../finding.ts';
import { found } from '../rules.ts';
import type { Page } from '../source/page.ts';
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
  return elements.flatMap(({ tag, attributes, children, place }): Finding[] => {
    if (tag === 'marquee') return [found('marquee', place, 'There is a <marquee>.')];
    if (tag !== 'video') return [];
    const hasSource = attributes.has('src') || children.some((child) => child.tag === 'source');
    return hasSource ? [found('video', place, 'There is a <video> with a source.')] : [];
  });
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
