/** `contrast`: a hint where text hardly stands out from what is behind it. */

import { pageScaleOf } from '../../rendering/geometry.ts';
import { rgbOf } from '../../rendering/stills/pixels.ts';
import type { Finding } from '../finding.ts';
import { colourAround, contrastOf, neededContrast, over } from './contrasts.ts';
import { momentsOf } from './moments.ts';
import { marked } from './pictures.ts';
import { lineOfElement, textOf } from './place.ts';
import { rehearse } from './rehearsal.ts';
import type { RenderedCheck } from './rendered-check.ts';
import { readTexts, type ShownText } from './texts.ts';

const MOMENTS = 8;
/** Less is on its way in or out. */
const OPAQUE = 0.95;
/** Around the letters of a text, in pixels of the frame: what they are set on may end soon. */
const MARGIN = 1;

/** The best that a text has in any frame. */
interface Best {
  readonly text: ShownText;
  readonly frame: number;
  readonly contrast: number;
}

export const contrast: RenderedCheck = {
  id: 'contrast',
  async run(input) {
    const { drawn } = await rehearse(input);
    const [sample] = drawn;
    if (sample === undefined) return [];
    const { template, rendition, renderer, signal, onStep } = input;
    onStep('comparing texts with what is behind them');
    return await renderer.inspect(
      { template, rendition },
      async (page) => {
        await page.open(sample.params);
        const best = new Map<string, Best>();
        const scale = pageScaleOf(template, page.size);
        for (const frame of momentsOf(template, MOMENTS)) {
          const picture = rgbOf(await page.frame(frame), page.size);
          // The page may be at the moment after by now.
          await page.seek(frame);
          for (const text of (await readTexts(page, template)).texts) {
            const [r, g, b, alpha] = text.colour;
            // Letters that are cut out of a picture have no colour of their own.
            if (text.opacity < OPAQUE || alpha < 0.1) continue;
            const [line] = text.seen;
            if (line === undefined) continue;
            const behind = colourAround(picture, page.size, {
              ...{ left: line.left * scale - MARGIN, top: line.top * scale - MARGIN },
              ...{ right: line.right * scale + MARGIN, bottom: line.bottom * scale + MARGIN },
            });
            if (behind === null) continue;
            const found = contrastOf(over([r, g, b], alpha * text.opacity, behind), behind);
            const key = textOf(text.names[0] ?? { tag: '', id: '', classes: [] });
            if (found > (best.get(key)?.contrast ?? 0)) best.set(key, { text, frame, contrast: found });
          }
        }
        const findings: Finding[] = [];
        for (const [element, { text, frame, contrast: found }] of best) {
          const needed = neededContrast(text.fontPx, text.isBold);
          if (found >= needed) continue;
          findings.push({
            rule: 'low-contrast',
            severity: 'warning',
            ...lineOfElement(template, text.names),
            what: `The text of ${element} has a contrast of ${found.toFixed(1)} at best (frame ${frame}); ${needed} is wanted.`,
            why: 'Not everybody can read it, least of all on a small screen in daylight (WCAG 1.4.3).',
            fix: 'Make the text lighter or darker, or lay something plain behind it.',
            picture: await marked(await page.frame(frame), page.size, template, [text.bounds]),
          });
        }
        return findings;
      },
      { signal },
    );
  },
};
