/** The films that what is open in a page shows, and which pictures of them belong to a frame. */

import { Failure } from '../../contracts/failures.ts';
import type { Template } from '../../templates/template.ts';
import type { DevTools } from '../browser/devtools.ts';
import { readDeclared } from '../media/declared-clips.ts';
import { asWrong, type VideoClip, videoClipsOf } from '../video/clips.ts';
import { type Films, keyOf } from '../video/films.ts';
import { pictureAt } from '../video/timing.ts';
import { FILMS_ADDRESS } from './origin.ts';
import type { FilmFacts } from './scripts.ts';

/** Frames whose pictures are loaded while an earlier one is drawn. */
const AHEAD = 2;

export interface ServedPicture {
  readonly bytes: Uint8Array;
  readonly type: string;
}

export class PageVideos {
  private readonly films: Films | null;
  private clips: readonly VideoClip[] = [];
  private byKey: ReadonlyMap<string, VideoClip> = new Map();

  /** `null`: of a browser that is never given a template with films. */
  constructor(films: Films | null) {
    this.films = films;
  }

  /** What a page is told of the films in its template's folder. */
  async factsOf(template: Template): Promise<Record<string, FilmFacts>> {
    const films = (await this.films?.of(template)) ?? new Map();
    return Object.fromEntries(
      [...films].map(([path, { shown, endSeconds }]) => [path, { ...shown, seconds: endSeconds }]),
    );
  }

  forget(): void {
    this.clips = [];
    this.byKey = new Map();
  }

  /**
   * Reads the clips of what is open in the page now. Returns a call for the page that shows their first pictures. Failure
   * `TemplateInvalid` says which is wrong and how.
   */
  async read(devtools: DevTools, template: Template): Promise<string> {
    if (this.films === null) throw new Failure('Internal', 'This browser was not given anything that reads films.');
    this.clips = await videoClipsOf(await readDeclared(devtools), template, this.films);
    this.byKey = new Map(this.clips.map((clip) => [keyOf(clip.strip), clip]));
    await this.decoded(() => 0);
    return `begin(${JSON.stringify(this.clips.map((clip) => [clip.video, `${FILMS_ADDRESS}${keyOf(clip.strip)}/0`]))})`;
  }

  /** Arguments of the page's `seek` beside the time: empty without clips. */
  argumentsFor(frame: number): string {
    if (this.clips.length === 0) return '';
    const pictures = this.clips.map((clip) => [clip.video, addressAt(clip, frame)]);
    const shown = new Set(pictures.map(([, address]) => address));
    const next = Array.from({ length: AHEAD }, (_, ahead) =>
      this.clips.map((clip) => addressAt(clip, frame + ahead + 1)),
    ).flat();
    const soon = [...new Set(next)].filter((address) => address !== null && !shown.has(address));
    return `, ${JSON.stringify(pictures)}, ${JSON.stringify(soon)}`;
  }

  /** Resolves once the pictures of a frame can be handed out. Fails as they do. */
  async arrived(frame: number): Promise<void> {
    await this.decoded((clip) => pictureAt(clip, frame));
  }

  private async decoded(indexIn: (clip: VideoClip) => number | null): Promise<void> {
    await Promise.all(
      this.clips.map(async (clip) => {
        const index = indexIn(clip);
        if (index !== null) await this.bytesOf(clip, index);
      }),
    );
  }

  /** The picture at a path that an address has behind `FILMS_ADDRESS`; null: none of this template. */
  async picture(path: string): Promise<ServedPicture | null> {
    const [key = '', index = ''] = path.split('/');
    const clip = this.byKey.get(key);
    if (clip === undefined) return null;
    const bytes = await this.bytesOf(clip, Number(index));
    return { bytes, type: clip.strip.film.hasAlpha ? 'image/png' : 'image/jpeg' };
  }

  private async bytesOf({ strip, wrong }: VideoClip, index: number): Promise<Uint8Array> {
    if (this.films === null) throw new Failure('Internal', 'This browser was not given anything that reads films.');
    try {
      return await this.films.picture(strip, index);
    } catch (error) {
      throw asWrong(error, wrong);
    }
  }
}

function addressAt(clip: VideoClip, frame: number): string | null {
  const index = pictureAt(clip, frame);
  return index === null ? null : `${FILMS_ADDRESS}${keyOf(clip.strip)}/${index}`;
}
