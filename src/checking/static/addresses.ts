/** What an address in a template stands for. Pure. */

import type { Reference } from '../source/references.ts';

/** `path`: relative to the folder, as the engine would look it up. */
export type Target =
  | { readonly kind: 'none' }
  | { readonly kind: 'data'; readonly decode: () => Uint8Array }
  | { readonly kind: 'remote'; readonly origin: string }
  | { readonly kind: 'outside' }
  | { readonly kind: 'file'; readonly path: string };

const HOME = 'https://template.invalid';

export function targetOf({ address, base, isWhole }: Pick<Reference, 'address' | 'base' | 'isWhole'>): Target {
  const text = address.trim();
  if (text === '' || text.startsWith('#')) return { kind: 'none' };
  if (/^data:/i.test(text)) return isWhole ? dataOf(text) : { kind: 'none' };
  if (/^file:/i.test(text)) return { kind: 'outside' };
  if (/^(?:https?:)?\/\/|^wss?:\/\/|^https?:/i.test(text)) {
    const url = URL.parse(text.startsWith('//') ? `https:${text}` : text);
    const origin = url === null || url.host === '' ? text.slice(0, 60) : `${url.protocol}//${url.host}`;
    return { kind: 'remote', origin };
  }
  // blob:, about:, javascript:, mailto:
  if (/^[a-z][a-z0-9+.-]*:/i.test(text)) return { kind: 'none' };
  // Begun in a script and ended by something that is not known.
  if (!isWhole) return { kind: 'none' };
  const path = text.split(/[?#]/)[0] ?? '';
  if (leaves(path, base)) return { kind: 'outside' };
  const url = URL.parse(path, `${HOME}/${encodeURI(base)}`);
  return url === null ? { kind: 'none' } : { kind: 'file', path: decoded(url.pathname.slice(1)) };
}

/** What it stands for, where that is in the template. */
export const bytesOf = (target: Target, files: ReadonlyMap<string, Uint8Array>): Uint8Array | undefined =>
  target.kind === 'file' ? files.get(target.path) : target.kind === 'data' ? target.decode() : undefined;

/** A browser stays at the root when a path goes above it, so the file might even be found; nowhere but here. */
function leaves(path: string, base: string): boolean {
  let depth = path.startsWith('/') ? 0 : base.split('/').length - 1;
  for (const part of path.split('/')) {
    if (part === '..') depth -= 1;
    else if (part !== '' && part !== '.') depth += 1;
    if (depth < 0) return true;
  }
  return false;
}

function dataOf(address: string): Target {
  const comma = address.indexOf(',');
  if (comma === -1) return { kind: 'none' };
  const [head, body] = [address.slice(0, comma), address.slice(comma + 1)];
  return { kind: 'data', decode: () => Buffer.from(decoded(body), /;base64\s*$/i.test(head) ? 'base64' : 'utf8') };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
