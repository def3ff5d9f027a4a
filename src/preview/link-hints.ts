/** Links that let a browser connect somewhere although no policy allows to ask anything there. */

import { parse, type DefaultTreeAdapterTypes as Tree } from 'parse5';

const HINTS = ['preconnect', 'dns-prefetch'];

/** A page with blanks where such links stood, so that every line and column stays. Pure. */
export function withoutHints(html: string): string {
  if (!/<link/i.test(html)) return html;
  let page = html;
  const waiting: Tree.Node[] = [parse(html, { sourceCodeLocationInfo: true })];
  for (let node = waiting.pop(); node !== undefined; node = waiting.pop()) {
    if ('childNodes' in node) for (const child of node.childNodes) waiting.push(child);
    if (!isHint(node) || !node.sourceCodeLocation) continue;
    const { startOffset, endOffset } = node.sourceCodeLocation;
    page = `${page.slice(0, startOffset)}${page.slice(startOffset, endOffset).replaceAll(/[^\r\n]/g, ' ')}${page.slice(endOffset)}`;
  }
  return page;
}

function isHint(node: Tree.Node): node is Tree.Element {
  if (!('attrs' in node) || node.tagName !== 'link') return false;
  const rel = node.attrs.find(({ name }) => name === 'rel')?.value.toLowerCase() ?? '';
  return rel.split(/\s+/).some((one) => HINTS.includes(one));
}
