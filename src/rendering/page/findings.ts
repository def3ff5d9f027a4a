/** What a page was found to do that a frame cannot hold, and the sentence that its author reads. */

import { z } from 'zod';
import { Failure } from '../../contracts/failures.ts';
import type { Template } from '../../templates/template.ts';
import { pageErrorOf } from '../browser/page-error.ts';
import type { Log } from '../log.ts';
import { placeOf } from './place.ts';

interface FindingDescription {
  /** `refused`: the video would be another one each time. `warned`: it is the same each time, and perhaps not what was meant. */
  readonly weight: 'refused' | 'warned';
  readonly sentence: string;
}

const describe = <const T extends Record<string, FindingDescription>>(kinds: T): T => kinds;

export const FINDINGS = describe({
  video: {
    weight: 'refused',
    sentence:
      'has a <video> that would play by itself: it has no place on the timeline. Give it data-start, or show its poster alone.',
  },
  lateVideo: {
    weight: 'refused',
    sentence:
      'adds a <video>, or gives it another file, while frames are drawn. Have it there, with its file, when the page is ready or has taken its params.',
  },
  marquee: {
    weight: 'refused',
    sentence: 'has a <marquee>, which runs by the wall clock. Use a CSS animation.',
  },
  brokenFont: {
    weight: 'refused',
    sentence: 'loads a font while frames are drawn, and its file could not be read. Replace the file.',
  },
  transitionInFrame: {
    weight: 'warned',
    sentence:
      'starts a CSS transition while a frame is drawn. Transitions depend on what was shown before, so they end at once. Use a CSS animation with a delay, or a timeline.',
  },
  animationInFrame: {
    weight: 'warned',
    sentence:
      'starts a CSS animation or Element.animate while a frame is drawn. It is shown as if it had begun with the video. Start it with the page or with the params, and say by its delay when it is to be seen.',
  },
  timer: {
    weight: 'warned',
    sentence:
      'has a timer (setTimeout, setInterval) that was due while frames were drawn. It was held. Draw by the time that seek gets, or by requestAnimationFrame.',
  },
  growth: {
    weight: 'warned',
    sentence:
      'has become several times as large as it was with its first params: it seems to add elements with every recipient. Replace what the last one left.',
  },
});

export type FindingKind = keyof typeof FINDINGS;

/** What a page says through the engine's own channel. `stack`: where a timer was set, as V8 writes it; may quote a recipient. */
const foundThing = z.object({
  kind: z.enum(Object.keys(FINDINGS) as FindingKind[]),
  stack: z.string().optional(),
});

/** One thing found in a template. Both texts hold nothing but what its author or the engine wrote. */
export interface Finding {
  readonly kind: FindingKind;
  readonly sentence: string;
  /** `at draw (index.html:29:58)`; empty when it is not known. */
  readonly place: string;
}

/** What one page was found to do: each kind once a recipient, logged once a template. */
export class Findings {
  private readonly log: Log;
  private readonly logged = new Set<string>();
  private template: Template | null = null;
  private found: Finding[] = [];

  constructor(log: Log) {
    this.log = log;
  }

  get all(): readonly Finding[] {
    return this.found;
  }

  about(template: Template): void {
    this.template = template;
  }

  forget(): void {
    this.found = [];
  }

  /** Takes what the page sent. Anything but a known kind is a page that calls what is not its own. */
  note(payload: string): void {
    const { template } = this;
    const thing = foundThing.safeParse(parsed(payload));
    if (template === null || !thing.success) return;
    const { kind, stack } = thing.data;
    const finding: Finding = { kind, sentence: FINDINGS[kind].sentence, place: placeIn(template, stack) };
    this.found.push(finding);
    const key = `${template.digest} ${kind}`;
    if (FINDINGS[kind].weight === 'refused' || this.logged.has(key)) return;
    this.logged.add(key);
    this.log.warn({ template: template.id, finding: kind, place: finding.place }, `the template ${finding.sentence}`);
  }

  /** Throws for what makes a video another one each time. */
  assertNone(): void {
    const refused = this.found.find(({ kind }) => FINDINGS[kind].weight === 'refused');
    if (refused === undefined) return;
    throw new Failure('TemplateInvalid', `Template '${this.template?.id ?? ''}' ${refused.sentence}`);
  }
}

function parsed(payload: string): unknown {
  try {
    return JSON.parse(payload);
  } catch {
    return null;
  }
}

const placeIn = (template: Template, stack: string | undefined): string =>
  stack === undefined
    ? ''
    : placeOf(
        pageErrorOf({
          ...{ exceptionId: 0, text: '', lineNumber: 0, columnNumber: 0 },
          exception: { type: 'object', className: 'Error', description: stack },
        }),
        template,
      );
