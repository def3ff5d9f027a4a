/** Who is let in where: one port, two origins, and a secret in the address of each. Pure. */

import { isSameSecret } from '../encryption/same-secret.ts';

export interface Doors {
  readonly port: number;
  /** First part of the path of everything that the app asks for. */
  readonly appToken: string;
  /**
   * First part of the name that the template is served under. It opens the template's own files and nothing else, so a template may
   * know it; and as `*.localhost` is another site than 127.0.0.1, browsers keep the two in different processes.
   */
  readonly frameToken: string;
}

export type Entry =
  | { readonly room: 'app' | 'frame'; readonly path: string }
  | { readonly room: 'refused'; readonly why: string };

export const appOrigin = ({ port }: Pick<Doors, 'port'>): string => `http://127.0.0.1:${port}`;
export const appAddress = (doors: Doors): string => `${appOrigin(doors)}/${doors.appToken}/`;
export const frameOrigin = ({ frameToken, port }: Doors): string => `http://${frameToken}.localhost:${port}`;

const refused = (why: string): Entry => ({ room: 'refused', why });

/**
 * Where a request leads. `host` must be one of the two names that were printed or served, so that no name that somebody makes point
 * to 127.0.0.1 gets in; `path` is decoded and has no leading slash.
 */
export function entryOf(
  request: { readonly host: string | undefined; readonly url: string; readonly origin: string | undefined },
  doors: Doors,
): Entry {
  const { host, url, origin } = request;
  const parsed = URL.parse(url, 'http://host.invalid');
  const path = parsed === null ? null : decoded(parsed.pathname.slice(1));
  if (path === null) return refused('The address cannot be read.');
  if (isSameSecret(host, frameOrigin(doors).slice('http://'.length))) return { room: 'frame', path };
  if (host !== appOrigin(doors).slice('http://'.length)) return refused('This name is not served here.');
  if (origin !== undefined && origin !== appOrigin(doors)) return refused('Another page has no business here.');
  const end = path.indexOf('/');
  if (!isSameSecret(end < 0 ? path : path.slice(0, end), doors.appToken)) {
    return refused('The address has no valid token. Open the one that `nightreel preview` printed.');
  }
  return { room: 'app', path: end < 0 ? '' : path.slice(end + 1) };
}

function decoded(path: string): string | null {
  try {
    return decodeURIComponent(path);
  } catch {
    return null;
  }
}

const COMMON = {
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'x-dns-prefetch-control': 'off',
} as const;

/** Of everything in the app's room: its own files alone, text never as markup, and no page around it. */
export const appHeaders = (doors: Doors): Readonly<Record<string, string>> => ({
  ...COMMON,
  'cross-origin-opener-policy': 'same-origin',
  'content-security-policy': [
    "default-src 'none'",
    ...["script-src 'self'", "style-src 'self'", "img-src 'self'", "media-src 'self'", "connect-src 'self'"],
    `frame-src ${frameOrigin(doors)}`,
    ...["base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'", "require-trusted-types-for 'script'"],
  ].join('; '),
});

/**
 * Of the template's files: what the engine allows a page, which is nothing but these files. A content security policy says nothing of
 * WebRTC, of link hints, or of the connection that a browser opens before it asks whether it may go to a page; the allowlist does
 * (https://github.com/WICG/connection-allowlists), and Chromium 156 heeds it. For other browsers there are `frame.js` and `withoutHints`.
 */
export const frameHeaders = (doors: Doors): Readonly<Record<string, string>> => ({
  ...COMMON,
  'connection-allowlist': '(response-origin)',
  'content-security-policy': [
    "default-src 'self' 'unsafe-inline' 'unsafe-eval' data: blob:",
    ...["form-action 'none'", "object-src 'none'", `frame-ancestors 'self' ${appOrigin(doors)}`],
  ].join('; '),
});
