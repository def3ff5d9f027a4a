/**
 * Which fonts the text of a page is really drawn with. That declared faces have loaded (which every render checks) does not
 * say that any text uses them: a misspelt font-family falls back to the system's without a word.
 */

import type { Protocol } from 'puppeteer';
import type { DevTools } from '../browser/devtools.ts';

/** Glyphs on show at once: the most at any of the moments looked at. */
export interface FontGlyphs {
  readonly font: string;
  readonly glyphs: number;
}

export interface FontUse {
  /** The declared families, in their order, 0 where no text uses one. */
  readonly declared: readonly FontGlyphs[];
  /** Fonts of this machine that text is drawn with, most used first. */
  readonly system: readonly FontGlyphs[];
}

/** What this module needs of an open template. */
export interface FontInspection {
  readonly devtools: Pick<DevTools, 'send' | 'session'>;
  readonly families: readonly string[];
  readonly frameCount: number;
  /** Draws a frame. */
  seek(frame: number): Promise<void>;
}

const MOMENTS = 8;
const NOT_SHOWN: readonly string[] = ['SCRIPT', 'STYLE', 'NOSCRIPT', 'TEMPLATE', 'TITLE', 'HEAD'];
const ELEMENT = 1;
const TEXT = 3;

/**
 * Looks at eight moments spread over the film. 13 ms a moment on the referral template, its seek not counted: once for a template, not for every
 * video. The page must be open and is left at another moment. What a canvas draws is not seen.
 */
export async function inspectFonts({ devtools, families, frameCount, seek }: FontInspection): Promise<FontUse> {
  const moments = Math.min(MOMENTS, frameCount);
  const uses: FontUse[] = [];
  for (let moment = 0; moment < moments; moment++) {
    await seek(Math.floor(((moment + 0.5) * frameCount) / moments));
    uses.push(await readFontUse(devtools, families));
  }
  return joined(families, uses);
}

/** What is on show now. Nothing of the DevTools that it turns on stays on: it would cost time in every frame. */
export async function readFontUse(devtools: FontInspection['devtools'], families: readonly string[]): Promise<FontUse> {
  const { session } = devtools;
  // Told for every face that has loaded when CSS is enabled: the family of @font-face, and the name that its glyphs go by.
  const faces: Protocol.CSS.FontFace[] = [];
  const onFont = ({ font }: Protocol.CSS.FontsUpdatedEvent): void => {
    if (font !== undefined) faces.push(font);
  };
  session.on('CSS.fontsUpdated', onFont);
  try {
    // Chromium answers for the last layout, however old that is.
    await devtools.send('Runtime.evaluate', { expression: 'void document.documentElement.offsetHeight' });
    await devtools.send('DOM.enable');
    await devtools.send('CSS.enable');
    const { root } = await devtools.send('DOM.getDocument', { depth: -1, pierce: true });
    const used: Protocol.CSS.PlatformFontUsage[] = [];
    for (const { node } of textNodesOf(root)) {
      used.push(...(await devtools.send('CSS.getPlatformFontsForNode', { nodeId: node.nodeId })).fonts);
    }
    return summed(families, faces, used);
  } finally {
    session.off('CSS.fontsUpdated', onFont);
    await devtools.send('CSS.disable');
    await devtools.send('DOM.disable');
  }
}

/**
 * Sentences for the author; none when all text is drawn with the template's own fonts. They are warnings, not failures: a
 * family may be for a scene or a script that only some recipients see, and an emoji or a name in another script falls back
 * to the system's fonts, which are part of the engine's fingerprint.
 */
export function fontWarnings({ declared, system }: FontUse): string[] {
  const unused = declared.filter(({ glyphs }) => glyphs === 0).map(({ font }) => `'${font}'`);
  const fallbacks = system.map(({ font, glyphs }) => `${font} (${glyphs} ${glyphs === 1 ? 'glyph' : 'glyphs'})`);
  return [
    ...(unused.length === 0
      ? []
      : [
          `No text is drawn with ${unused.join(', ')}, which template.json declares. Look for another spelling in font-family, or leave the declaration out.`,
        ]),
    ...(fallbacks.length === 0
      ? []
      : [
          `Text is drawn with fonts of this machine: ${fallbacks.join(', ')}. Another machine may have others. Embed what the template's own fonts lack, or look for another spelling in font-family.`,
        ]),
  ];
}

function summed(
  families: readonly string[],
  faces: readonly Protocol.CSS.FontFace[],
  used: readonly Protocol.CSS.PlatformFontUsage[],
): FontUse {
  const total = (fonts: readonly Protocol.CSS.PlatformFontUsage[]): number =>
    fonts.reduce((sum, { glyphCount }) => sum + glyphCount, 0);
  const own = used.filter(({ isCustomFont }) => isCustomFont);
  const declared = families.map((font) => {
    const names = new Set(
      faces
        .filter(({ fontFamily }) => unquoted(fontFamily) === font.toLowerCase())
        .map(({ platformFontFamily }) => platformFontFamily),
    );
    return { font, glyphs: total(own.filter(({ familyName }) => names.has(familyName))) };
  });
  const others = Map.groupBy(
    used.filter(({ isCustomFont }) => !isCustomFont),
    ({ familyName }) => familyName,
  );
  return { declared, system: mostFirst([...others].map(([font, fonts]) => ({ font, glyphs: total(fonts) }))) };
}

function joined(families: readonly string[], uses: readonly FontUse[]): FontUse {
  const most = (fonts: readonly FontGlyphs[]): Map<string, number> => {
    const found = new Map<string, number>();
    for (const { font, glyphs } of fonts) found.set(font, Math.max(found.get(font) ?? 0, glyphs));
    return found;
  };
  const declared = most(uses.flatMap((use) => use.declared));
  const system = most(uses.flatMap((use) => use.system));
  return {
    declared: families.map((font) => ({ font, glyphs: declared.get(font) ?? 0 })),
    system: mostFirst([...system].map(([font, glyphs]) => ({ font, glyphs }))),
  };
}

const mostFirst = (fonts: readonly FontGlyphs[]): FontGlyphs[] =>
  [...fonts].sort((a, b) => b.glyphs - a.glyphs || (a.font < b.font ? -1 : 1));

const unquoted = (family: string): string => family.replace(/^(['"])(.*)\1$/, '$2').toLowerCase();

/** A node of text or generated content, and the element that it is in. */
export interface TextNode {
  readonly node: Protocol.DOM.Node;
  readonly element: Protocol.DOM.Node;
}

/** Nodes of text, and generated content; in frames and shadow trees too. */
export function textNodesOf(node: Protocol.DOM.Node, element = node): TextNode[] {
  if (NOT_SHOWN.includes(node.nodeName)) return [];
  if (node.nodeType === TEXT) return node.nodeValue.trim() === '' ? [] : [{ node, element }];
  const below = [
    ...(node.children ?? []),
    ...(node.shadowRoots ?? []),
    ...(node.contentDocument === undefined ? [] : [node.contentDocument]),
  ];
  const own = node.nodeType === ELEMENT ? node : element;
  const generated = (node.pseudoElements ?? []).map((pseudo) => ({ node: pseudo, element: own }));
  return [...generated, ...below.flatMap((child) => textNodesOf(child, own))];
}
