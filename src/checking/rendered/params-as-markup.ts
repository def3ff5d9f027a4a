/** `params-as-markup`: what a recipient's text says is shown, and never becomes a part of the page. */

import { z } from 'zod';
import type { Params } from '../../contracts/video.ts';
import type { Inspection } from '../../rendering/inspection.ts';
import { NOWHERE } from './place.ts';
import { asAuthors, rehearse } from './rehearsal.ts';
import type { RenderedCheck, RenderedCheckInput } from './rendered-check.ts';
import { hasMarkup, labelled, listed, withParams } from './samples.ts';

/** How many elements of a page have this name, shadow trees included. */
const COUNT = `(() => {
  const counts = {};
  const walk = (root) => {
    for (const element of root.querySelectorAll('*')) {
      const name = element.localName;
      if (name === 'img' || name === 'b') counts[name] = (counts[name] ?? 0) + 1;
      if (element.shadowRoot) walk(element.shadowRoot);
    }
  };
  walk(nightreelStage.document);
  return counts;
})()`;
const counts = z.record(z.string(), z.number());

export const paramsAsMarkup: RenderedCheck = {
  id: 'params-as-markup',
  async run(input) {
    const { drawn } = await rehearse(input);
    const sample = labelled(input).find(({ params }) => hasMarkup(params));
    if (sample === undefined || drawn.length === 0) return [];
    input.onStep('giving it HTML as text');
    const { template, rendition, renderer, signal } = input;
    const base = drawn.find(({ params }) => !hasMarkup(params))?.params ?? template.example;
    const guilty = await renderer.inspect(
      { template, rendition },
      async (page) => {
        const names: string[] = [];
        for (const [name, value] of Object.entries(sample.params)) {
          if (hasMarkup(value) && (await becomesElements(page, input, base, withParams(base, sample.params, [name])))) {
            names.push(name);
          }
        }
        return names;
      },
      { signal },
    );
    if (guilty.length === 0) return [];
    return [
      {
        rule: 'params-as-markup',
        severity: 'error',
        ...placeOfSink(template.html, template.entryPath),
        what: `HTML in ${listed(guilty.map((name) => `'${name}'`))} becomes elements of the page.`,
        why: 'Whoever may choose such a text (their own name, say) puts pictures and scripts into the page that draws everybody else.',
        fix: 'Set it with textContent, never with innerHTML, insertAdjacentHTML or document.write.',
      },
    ];
  },
};

/** Whether a bag makes more elements than one that differs in nothing but its brackets. */
async function becomesElements(
  page: Inspection,
  { template }: RenderedCheckInput,
  base: Params,
  params: Params,
): Promise<boolean> {
  const brackets = (text: string): string => text.replaceAll('<', '‹').replaceAll('>', '›');
  const harmless = JSON.parse(brackets(JSON.stringify(params))) as Params;
  const plain = await countWith(page, template.validateParams(harmless).ok ? harmless : base);
  const marked = await countWith(page, params);
  return Object.entries(marked).some(([name, count]) => count > (plain[name] ?? 0));
}

async function countWith(page: Inspection, params: Params): Promise<Readonly<Record<string, number>>> {
  try {
    await page.openFresh(params);
  } catch (error) {
    // The picture that it asks for is not there; the element that asks is.
    asAuthors(error);
  }
  return counts.parse(await page.evaluate(COUNT));
}

/** The only line that can be it, where there is but one. */
function placeOfSink(html: string, file: string): typeof NOWHERE | { readonly file: string; readonly line: number } {
  const sinks = /\.(?:innerHTML|outerHTML)\s*\+?=|\binsertAdjacentHTML\b|\bdocument\.write|\bsetHTMLUnsafe\b/;
  const lines = html.split('\n').flatMap((line, index) => (sinks.test(line) ? [index + 1] : []));
  const [line] = lines;
  return lines.length === 1 && line !== undefined ? { file, line } : NOWHERE;
}
