/** Which letters of a page are drawn with a font of the machine, or with none. */

import { type Protocol, ProtocolError } from 'puppeteer';
import { z } from 'zod';
import { Failure } from '../../contracts/failures.ts';
import type { DevTools } from '../../rendering/browser/devtools.ts';
import type { Inspection } from '../../rendering/inspection.ts';
import { textNodesOf } from '../../rendering/verify/fonts.ts';
import { expressionIn } from './inject.ts';
import type { ElementName } from './place.ts';
import type { Box } from './texts.ts';

const LETTERS = expressionIn('letters.js');

/** One text of a page, and what the template's own fonts do not draw of it. */
export interface Gaps {
  readonly element: ElementName;
  /** Drawn with a font of this machine. */
  readonly fallback: readonly string[];
  /** Drawn as a box, or not at all. */
  readonly missing: readonly string[];
  /** Families of this machine that draw the fallback. */
  readonly families: readonly string[];
  readonly box: Box | null;
}

const strings = z.array(z.string());
const OWN_FACES = 'nightreelStage.document.fonts.size';

/** Whether the template brings fonts at all. */
export const hasOwnFonts = async (page: Inspection): Promise<boolean> => Number(await page.evaluate(OWN_FACES)) > 0;

/** A page that writes its texts anew while they are looked at is read again: so often, and then with the next frame. */
const ROUNDS = 3;

/**
 * What the frame shows that was drawn last. Texts in `known` are left out, and those of this frame are added to it: letters of an element are looked
 * at once.
 */
export async function readGaps({ devtools }: Inspection, known: Set<string>): Promise<Gaps[]> {
  await devtools.evaluate('void nightreelStage.document.documentElement.offsetHeight');
  await devtools.send('DOM.enable');
  await devtools.send('CSS.enable');
  try {
    const gaps: Gaps[] = [];
    for (let round = 0, isWhole = false; round < ROUNDS && !isWhole; round++) {
      isWhole = true;
      const { root } = await devtools.send('DOM.getDocument', { depth: -1, pierce: true });
      for (const { node, element } of textNodesOf(root)) {
        if (node.nodeType !== 3) continue;
        const name = nameOf(element);
        const key = JSON.stringify([name, node.nodeValue]);
        if (known.has(key)) continue;
        const found = await unlessGone(() => gapsOf(devtools, node));
        isWhole &&= found !== GONE;
        if (found === GONE || found === null) continue;
        known.add(key);
        if (found.fallback.length > 0 || found.missing.length > 0) gaps.push({ element: name, ...found });
      }
    }
    return gaps;
  } finally {
    await devtools.send('CSS.disable');
    await devtools.send('DOM.disable');
  }
}

const GONE = Symbol('gone');
const NONE = { fallback: [], missing: [], families: [], box: null } as const;

/** Null: not laid out now; perhaps in another frame. */
async function gapsOf(
  devtools: DevTools,
  { nodeId, nodeValue }: Protocol.DOM.Node,
): Promise<Omit<Gaps, 'element'> | null> {
  const { fonts } = await devtools.send('CSS.getPlatformFontsForNode', { nodeId });
  if (fonts.length === 0) return null;
  // ASCII in the template's own font is what nearly all text is.
  const isPlain = fonts.every(({ isCustomFont }) => isCustomFont) && /^[ -~\s]*$/.test(nodeValue);
  return isPlain ? NONE : await lettersOf(devtools, nodeId);
}

/**
 * `GONE` when the page has replaced the node since the document was read. DevTools refuse what they do not find; that a browser went away or hangs is
 * told otherwise, and thrown on.
 */
async function unlessGone<T>(work: () => Promise<T>): Promise<T | typeof GONE> {
  try {
    return await work();
  } catch (error) {
    const cause = error instanceof Failure ? error.cause : undefined;
    if (cause instanceof ProtocolError && cause.originalMessage !== '') return GONE;
    throw error;
  }
}

async function lettersOf(devtools: DevTools, nodeId: number): Promise<Omit<Gaps, 'element'>> {
  const { object } = await devtools.send('DOM.resolveNode', { nodeId });
  const { objectId } = object;
  const call = async (functionDeclaration: string, on: string | undefined): Promise<Protocol.Runtime.RemoteObject> =>
    (await devtools.send('Runtime.callFunctionOn', { functionDeclaration, ...(on && { objectId: on }) })).result;
  const answerOf = async (functionDeclaration: string, on: string | undefined): Promise<unknown> => {
    const options = { functionDeclaration, returnByValue: true, ...(on && { objectId: on }) };
    return (await devtools.send('Runtime.callFunctionOn', options)).result.value;
  };
  const probe = await call(`function () { return (${LETTERS})(this); }`, objectId);
  try {
    const letters = strings.parse(await answerOf('function () { return this.letters; }', probe.objectId));
    const missing = strings.parse(await answerOf('function () { return this.missing; }', probe.objectId));
    const holder = await call('function () { return this.holder; }', probe.objectId);
    const { nodeId: holderId } = await devtools.send('DOM.requestNode', { objectId: holder.objectId ?? '' });
    const { nodeIds } = await devtools.send('DOM.querySelectorAll', { nodeId: holderId, selector: 'span' });
    const fallback: string[] = [];
    const families = new Set<string>();
    for (const [index, letter] of letters.entries()) {
      const { fonts } = await devtools.send('CSS.getPlatformFontsForNode', { nodeId: nodeIds[index] ?? 0 });
      const others = fonts.filter(({ isCustomFont }) => !isCustomFont);
      if (others.length === 0 || missing.includes(letter)) continue;
      fallback.push(letter);
      for (const { familyName } of others) families.add(familyName);
    }
    const box = boxes.safeParse(await answerOf(BOX, objectId)).data ?? null;
    return { fallback, missing, families: [...families], box };
  } finally {
    await answerOf('function () { this.remove(); }', probe.objectId);
  }
}

const BOX = `function () {
  const range = this.ownerDocument.createRange();
  range.selectNode(this);
  const { left, top, right, bottom } = range.getBoundingClientRect();
  return { left, top, right, bottom };
}`;
const boxes = z.object({ left: z.number(), top: z.number(), right: z.number(), bottom: z.number() });

/** DevTools give attributes as names and values in turn. */
function nameOf({ localName, nodeName, attributes = [] }: Protocol.DOM.Node): ElementName {
  const attribute = (name: string): string => {
    const at = attributes.findIndex((word, index) => index % 2 === 0 && word === name);
    return at < 0 ? '' : (attributes[at + 1] ?? '');
  };
  const classes = attribute('class')
    .split(/\s+/)
    .filter((name) => name !== '');
  return { tag: localName || nodeName.toLowerCase(), id: attribute('id'), classes };
}
