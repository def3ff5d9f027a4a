/** The only place a page can reach: its template's files, served from memory under a name that no network knows. */

import type { Protocol } from 'puppeteer';
import { Failure } from '../../contracts/failures.ts';
import type { Template } from '../../templates/template.ts';
import type { ChromiumBrowser } from '../browser/browser.ts';
import type { DevTools } from '../browser/devtools.ts';
import { animatedFormatOf } from './animated-image.ts';
import { STAGE_HTML } from './scripts.ts';

/** `.invalid` never resolves (RFC 2606); https, so that a page has what only secure origins have. */
export const ORIGIN = 'https://template.invalid';
const STAGE_PATH = '.nightreel/stage.html';

/** The page around a template. A template has no dot files, so none has one of this name. */
export const STAGE_ADDRESS = `${ORIGIN}/${STAGE_PATH}`;

/** Pictures of films; nothing of a template's own can have such an address, either. */
const FILMS_PATH = '.nightreel/films/';
export const FILMS_ADDRESS = `${ORIGIN}/${FILMS_PATH}`;

/** What hands out pictures of films, and knows which files are films. */
export interface PictureSource {
  picture(path: string): Promise<{ readonly bytes: Uint8Array; readonly type: string } | null>;
}

const STAGE = Buffer.from(STAGE_HTML);

/** What a page cannot even ask for: a Chromium with a window would ask somebody, over the frame. */
const UNASKED = [
  ...[
    'camera',
    'microphone',
    'display-capture',
    'geolocation',
    'local-fonts',
    'midi',
    'usb',
    'serial',
    'hid',
    'bluetooth',
  ],
  ...['clipboard-read', 'clipboard-write', 'fullscreen', 'idle-detection', 'screen-wake-lock', 'window-management'],
  ...['payment', 'publickey-credentials-get', 'identity-credentials-get'],
];
const PERMISSIONS = { name: 'permissions-policy', value: UNASKED.map((name) => `${name}=()`).join(', ') };

const MEDIA_TYPES: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  mjs: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  json: 'application/json',
  svg: 'image/svg+xml',
  png: 'image/png',
  jpg: 'image/jpeg',
  jpeg: 'image/jpeg',
  webp: 'image/webp',
  avif: 'image/avif',
  gif: 'image/gif',
  woff: 'font/woff',
  woff2: 'font/woff2',
  ttf: 'font/ttf',
  otf: 'font/otf',
  mp3: 'audio/mpeg',
  m4a: 'audio/mp4',
  wav: 'audio/wav',
  mp4: 'video/mp4',
  m4v: 'video/mp4',
  mov: 'video/quicktime',
  webm: 'video/webm',
  mkv: 'video/x-matroska',
  wasm: 'application/wasm',
};

/** Asked for by the browser or by the HyperFrames runtime, which do without: not the template's own wishes. */
const OPTIONAL = ['favicon.ico', 'caption-overrides.json'];
export const isOptional = (path: string): boolean => OPTIONAL.includes(path);

/** Path in the template's folder that an address stands for, its query left out; null for one of anywhere else. */
export function pathAt(address: string): string | null {
  const url = URL.parse(address);
  return url?.origin === ORIGIN ? decoded(url.pathname.slice(1)) : null;
}

/** As it is where it cannot be decoded: a page may well ask for `100%.png`. */
function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

export class TemplateOrigin {
  private readonly devtools: DevTools;
  private readonly pictureSource: PictureSource;
  private template: Template | null = null;
  private refused: Failure | null = null;
  /** Requests that the page waits for, by their ID. */
  private readonly underWay = new Set<string>();
  private quiet = Promise.withResolvers<void>();
  /** The document behind each request that has not ended, as Chromium names its load. */
  private readonly loads = new Map<string, string>();
  /** Documents that have asked for something since `serve`, and those of before. */
  private current = new Set<string>();
  private readonly gone = new Set<string>();
  /** Addresses that were refused to nobody knows whom yet: Chromium's processes tell of a request in any order. */
  private readonly unclear = new Map<string, string>();
  /** Pictures that the page got and nobody has looked at yet. */
  private pictures = new Set<string>();

  private constructor(devtools: DevTools, pictureSource: PictureSource) {
    this.devtools = devtools;
    this.pictureSource = pictureSource;
  }

  /**
   * Takes over all requests of a browser: its page's own, and by the second session those of its workers, of frames in other
   * processes and of whatever else there may be, which are nearer to the network.
   */
  static async attach(
    { devtools, whole }: Pick<ChromiumBrowser, 'devtools' | 'whole'>,
    pictureSource: PictureSource,
  ): Promise<TemplateOrigin> {
    const origin = new TemplateOrigin(devtools, pictureSource);
    const { session } = devtools;
    session.on('Network.webSocketCreated', ({ url }) => origin.refuse(url));
    session.on('Network.requestWillBeSent', ({ requestId, loaderId, type, request }) => {
      origin.noteLoad(requestId, loaderId);
      if (request.url.startsWith('data:image/')) origin.noteInline(request.url);
      // The document itself, and what is heard and not seen, hold no picture up; who needs a film's picture waits for it.
      const isWaitedFor = type !== 'Document' && type !== 'Media' && !request.url.startsWith(FILMS_ADDRESS);
      if (isWaitedFor) origin.underWay.add(requestId);
    });
    session.on('Network.loadingFinished', ({ requestId }) => origin.arrived(requestId));
    session.on('Network.loadingFailed', ({ requestId }) => origin.arrived(requestId));
    for (const asked of [whole, devtools]) {
      asked.session.on('Fetch.requestPaused', (event) => void origin.answer(event, asked));
      await asked.send('Fetch.enable', { patterns: ['http://*', 'https://*'].map((urlPattern) => ({ urlPattern })) });
    }
    await devtools.send('Network.enable');
    return origin;
  }

  /** From now on serves this template. Returns the address of its page. */
  serve(template: Template): string {
    this.template = template;
    this.refused = null;
    this.underWay.clear();
    this.pictures.clear();
    this.unclear.clear();
    for (const load of this.current) this.gone.add(load);
    this.current = new Set();
    return `${ORIGIN}/${encodeURI(template.entryPath)}`;
  }

  /** Throws for the first request that had to be refused since `serve`. */
  assertSelfContained(): void {
    if (this.refused !== null) throw this.refused;
  }

  /** Whether the page has asked for something that has not come yet. */
  get isWaiting(): boolean {
    return this.underWay.size > 0;
  }

  /** Resolves once everything that the page has asked for has come. */
  async settled(): Promise<void> {
    while (this.isWaiting) await this.quiet.promise;
  }

  /** Addresses of the pictures that the page has got since the last call. */
  takePictures(): string[] {
    const addresses = [...this.pictures];
    this.pictures.clear();
    return addresses;
  }

  private noteLoad(requestId: string, load: string): void {
    if (!this.gone.has(load)) this.current.add(load);
    this.loads.set(requestId, load);
    const address = this.unclear.get(requestId);
    if (address !== undefined) this.blame(requestId, address);
    this.unclear.delete(requestId);
  }

  private arrived(requestId: string): void {
    this.loads.delete(requestId);
    this.underWay.delete(requestId);
    if (this.isWaiting) return;
    this.quiet.resolve();
    this.quiet = Promise.withResolvers<void>();
  }

  private async answer(
    { requestId, networkId = '', request, resourceType }: Protocol.Fetch.RequestPausedEvent,
    asked: DevTools,
  ): Promise<void> {
    const path = pathAt(request.url);
    if (path?.startsWith(FILMS_PATH)) {
      await this.answerPicture(asked, requestId, path.slice(FILMS_PATH.length));
      return;
    }
    const bytes = path === STAGE_PATH ? STAGE : path === null ? undefined : this.template?.files.get(path);
    const answer = (): Promise<unknown> => {
      if (path !== null && bytes !== undefined) {
        if (resourceType === 'Image') this.noteImage(request.url, path, bytes);
        // Its pictures are handed out one by one, its sound is mixed elsewhere: the browser is spared the player.
        if (resourceType === 'Media' && mediaTypeOf(path).startsWith('video/')) {
          return asked.send('Fetch.failRequest', { requestId, errorReason: 'Aborted' });
        }
        return asked.send('Fetch.fulfillRequest', {
          requestId,
          responseCode: 200,
          responseHeaders: [
            { name: 'content-type', value: mediaTypeOf(path) },
            ...(resourceType === 'Document' ? [PERMISSIONS] : []),
          ],
          body: Buffer.from(bytes).toString('base64'),
        });
      }
      if (path !== null && isOptional(path)) {
        return asked.send('Fetch.fulfillRequest', { requestId, responseCode: 404 });
      }
      // A worker may still be asking when the next template is there, which must not be blamed for it.
      if (asked === this.devtools) this.blame(networkId, request.url);
      return asked.send('Fetch.failRequest', { requestId, errorReason: 'BlockedByClient' });
    };
    // The page may have gone on to another document meanwhile; a browser that is gone is reported by whoever renders with it.
    await answer().catch(() => undefined);
  }

  private async answerPicture(asked: DevTools, requestId: string, path: string): Promise<void> {
    try {
      const picture = await this.pictureSource.picture(path);
      if (picture === null) {
        await asked.send('Fetch.fulfillRequest', { requestId, responseCode: 404 });
        return;
      }
      await asked.send('Fetch.fulfillRequest', {
        requestId,
        responseCode: 200,
        responseHeaders: [
          { name: 'content-type', value: picture.type },
          { name: 'cache-control', value: 'max-age=9999999999, immutable' },
          { name: 'date', value: new Date().toUTCString() },
        ],
        body: Buffer.from(picture.bytes).toString('base64'),
      });
    } catch (error) {
      // Told by whoever waits for the picture; a browser that is gone, by whoever renders with it.
      this.refused ??= error instanceof Failure ? error : new Failure('Internal', String(error), { cause: error });
      await asked.send('Fetch.failRequest', { requestId, errorReason: 'Failed' }).catch(() => undefined);
    }
  }

  private noteImage(address: string, path: string, bytes: Uint8Array): void {
    this.pictures.add(address);
    this.refuseAnimated(`'${path}'`, bytes);
  }

  /** Pictures in the address itself, which no request brings. */
  private noteInline(address: string): void {
    const comma = address.indexOf(',');
    const isBase64 = address.slice(0, comma).endsWith(';base64');
    const body = address.slice(comma + 1);
    this.refuseAnimated(
      'a picture in a data: address',
      Buffer.from(isBase64 ? body : decoded(body), isBase64 ? 'base64' : 'utf8'),
    );
  }

  private refuseAnimated(what: string, bytes: Uint8Array): void {
    const format = animatedFormatOf(bytes);
    if (format === null) return;
    this.refused ??= new Failure(
      'TemplateInvalid',
      `${this.templateId} shows ${what}, an animated ${format}: the browser plays it by the wall clock, so that no two ` +
        'renders are alike. Make it a Lottie, a CSS animation or a row of still pictures.',
    );
  }

  /** Unless the document of the template before has asked: it may until it is gone. */
  private blame(requestId: string, address: string): void {
    const load = this.loads.get(requestId);
    if (load === undefined) this.unclear.set(requestId, address);
    else if (!this.gone.has(load)) this.refuse(address);
  }

  private refuse(address: string): void {
    const path = pathAt(address);
    const { origin, pathname } = new URL(address);
    // A path may be made of a recipient's values; the query, where most of them would be, tells the author nothing.
    this.refused ??=
      path === null
        ? new Failure(
            'NetworkForbidden',
            `${this.templateId} asks for something at ${origin}. Put it into the template's folder: renders have no network.`,
            { detail: `${origin}${pathname}` },
          )
        : new Failure('TemplateInvalid', `${this.templateId} asks for a file that is not in its folder.`, {
            detail: path,
          });
  }

  private get templateId(): string {
    return `Template '${this.template?.id ?? ''}'`;
  }
}

export const mediaTypeOf = (path: string): string =>
  MEDIA_TYPES[path.slice(path.lastIndexOf('.') + 1).toLowerCase()] ?? 'application/octet-stream';
