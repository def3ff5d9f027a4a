/** The films of a process and their pictures, in memory: each piece is decoded once, however many videos show it, and at once. */

import { createHash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { Failure } from '../../contracts/failures.ts';
import type { Template } from '../../templates/template.ts';
import type { FfmpegRun } from '../encode/ffmpeg.ts';
import { digested, type MediaSource } from '../media/source.ts';
import { extract, extractOptions } from './extract.ts';
import { type Film, NoFilm, readFilm } from './film.ts';
import type { Strip } from './timing.ts';

export interface FilmsOptions extends Pick<FfmpegRun, 'ffmpeg' | 'limitMs'> {
  /** Most bytes that pictures may take which nobody waits for. 256 MiB when left out: some 20 s of 1080p. */
  readonly maxBytes?: number;
}

const MAX_BYTES = 256 * 1024 * 1024;
/** Pictures that are made by one ffmpeg: so many pixels together, and so many pictures at most. */
const PIECE = { pixels: 100_000_000, most: 48, least: 8 } as const;

const any = { width: 2, height: 2 };
const look = {
  codec: 'avc',
  shown: any,
  isSquare: false,
  rotation: 90,
  isMirrored: true,
  toleranceSeconds: 0,
} as const;
/** Everything here that decides what a film looks like, besides ffmpeg's and mediabunny's versions: part of the fingerprint. */
export const FILM_SETTINGS: readonly unknown[] = [true, false].map((hasAlpha) =>
  extractOptions({ ...look, hasAlpha, hasMatrix: false }, { fps: 1, leadInSeconds: 1, count: 1 }),
);

/** By its name; others are read when a page shows them. */
const IS_FILM = /\.(?:mp4|m4v|mov|webm|mkv)$/i;

export class Films implements AsyncDisposable {
  private readonly ffmpeg: Pick<FfmpegRun, 'ffmpeg' | 'limitMs'>;
  private readonly known = new WeakMap<Uint8Array, Promise<Film>>();
  private readonly pieces: LRUCache<string, readonly Uint8Array[]>;
  private readonly underway = new Map<string, Promise<readonly Uint8Array[]>>();
  private readonly lifetime = new AbortController();
  /** The last that was begun: they are decoded one after the other, as the processors are the browsers'. */
  private last: Promise<unknown> = Promise.resolve();
  /** Pieces that were decoded since the start. */
  decodedPieces = 0;

  constructor({ ffmpeg, limitMs, maxBytes = MAX_BYTES }: FilmsOptions) {
    this.ffmpeg = { ffmpeg, limitMs };
    this.pieces = new LRUCache({ maxSize: maxBytes, sizeCalculation: bytesOf });
  }

  /** Throws `NoFilm` for what is none. */
  async read(source: MediaSource): Promise<Film> {
    const known = this.known.get(source.bytes) ?? readFilm(source);
    known.catch(() => undefined);
    this.known.set(source.bytes, known);
    return await known;
  }

  /** Films in a template's folder by their path, those that cannot be read left out. */
  async of({ files }: Pick<Template, 'files'>): Promise<ReadonlyMap<string, Film>> {
    const found = new Map<string, Film>();
    for (const [path, bytes] of files) {
      if (!IS_FILM.test(path)) continue;
      try {
        found.set(path, await this.read(digested(bytes)));
      } catch (error) {
        // A sound, or nothing that is ever shown; else whoever shows it is told.
        if (!(error instanceof NoFilm)) throw error;
      }
    }
    return found;
  }

  /** One picture of a strip, as a file. Throws `NoFilm` where the film is damaged; else what ffmpeg's failures are. */
  async picture(strip: Strip, index: number): Promise<Uint8Array> {
    const length = pieceLength(strip);
    const piece = Math.floor(index / length);
    const pictures = await this.piece(strip, piece);
    const at = index - piece * length;
    // Soon wanted, as most pages go from frame to frame.
    if (at > length / 2 && (piece + 1) * length < strip.count) this.piece(strip, piece + 1).catch(() => undefined);
    const picture = pictures[at];
    if (picture === undefined) throw new Failure('Internal', `A film has no picture ${index}.`);
    return picture;
  }

  /** Ends what is under way, and its processes. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.lifetime.abort(new Failure('Cancelled', 'The films were closed.'));
    await Promise.allSettled(this.underway.values());
  }

  private async piece(strip: Strip, piece: number): Promise<readonly Uint8Array[]> {
    const key = `${keyOf(strip)} ${piece}`;
    const made = this.pieces.get(key);
    if (made !== undefined) return made;
    const underway = this.underway.get(key) ?? this.make(strip, piece);
    this.underway.set(key, underway);
    try {
      const pictures = await underway;
      this.pieces.set(key, pictures);
      return pictures;
    } finally {
      this.underway.delete(key);
    }
  }

  private make(strip: Strip, piece: number): Promise<readonly Uint8Array[]> {
    const first = piece * pieceLength(strip);
    const count = Math.min(pieceLength(strip), strip.count - first);
    const { signal } = this.lifetime;
    const pictures = this.last.then(async () => {
      signal.throwIfAborted();
      this.decodedPieces += 1;
      return await extract(strip, { first, count }, this.ffmpeg, signal);
    });
    this.last = pictures.catch(() => undefined);
    return pictures;
  }
}

/** What a strip's pictures hang on, as a name that fits into an address. */
export function keyOf({ film, fps, mediaStartSeconds }: Strip): string {
  return createHash('sha256')
    .update(JSON.stringify([film.digest, fps, mediaStartSeconds]))
    .digest('hex')
    .slice(0, 24);
}

function pieceLength({ film: { shown } }: Strip): number {
  const fitting = Math.floor(PIECE.pixels / (shown.width * shown.height));
  return Math.min(PIECE.most, Math.max(PIECE.least, fitting));
}

const bytesOf = (pictures: readonly Uint8Array[]): number =>
  pictures.reduce((total, { byteLength }) => total + byteLength, 1);
