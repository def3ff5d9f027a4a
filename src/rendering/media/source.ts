/** The bytes behind a clip's address: a file of the template, or what the address itself holds. */

import { createHash } from 'node:crypto';
import { Failure } from '../../contracts/failures.ts';
import type { Template } from '../../templates/template.ts';
import { pathAt } from '../page/origin.ts';

export interface MediaSource {
  readonly bytes: Uint8Array;
  /** sha256 hex. */
  readonly digest: string;
}

/** Files of a template stay where they are in memory: hashed once, not once per video. */
const digests = new WeakMap<Uint8Array, string>();

/** Failure `NetworkForbidden` for an address elsewhere; `wrong(…)` for one that leads to nothing. */
export async function sourceOf(
  address: string,
  template: Template,
  wrong: (what: string, cause?: unknown) => Failure,
  what: 'sound' | 'pictures' = 'sound',
): Promise<MediaSource> {
  const url = URL.parse(address);
  if (url?.protocol === 'data:') return digested(await bytesIn(url, wrong));
  if (url === null || !['http:', 'https:'].includes(url.protocol)) {
    throw wrong('its address cannot be read: name a file, or give a data: URI');
  }
  const path = pathAt(address);
  if (path === null) {
    throw new Failure(
      'NetworkForbidden',
      `Template '${template.id}' takes ${what} from ${url.origin}. Put it into the template's folder: renders have no network.`,
      { detail: `${url.origin}${url.pathname}` },
    );
  }
  const bytes = template.files.get(path);
  if (bytes === undefined) throw wrong("its file is not in the template's folder");
  return digested(bytes);
}

/** With its digest, which is reckoned once. */
export function digested(bytes: Uint8Array): MediaSource {
  const digest = digests.get(bytes) ?? createHash('sha256').update(bytes).digest('hex');
  digests.set(bytes, digest);
  return { bytes, digest };
}

/** What a data: URI (RFC 2397) holds; nothing is asked of a network for it. */
async function bytesIn({ href }: URL, wrong: (what: string, cause?: unknown) => Failure): Promise<Uint8Array> {
  try {
    return await (await fetch(href)).bytes();
  } catch (cause) {
    throw wrong('its data: URI cannot be decoded', cause);
  }
}
