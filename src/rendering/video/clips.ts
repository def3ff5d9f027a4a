/** What of a composition is a film, as its author declared it: checked, on the timeline of the whole video. */

import type { Template } from '../../templates/template.ts';
import { type DeclaredClip, STARTS_TOO_LATE, timesOf, type Wrong, wrongIn } from '../media/declared-clips.ts';
import { sourceOf } from '../media/source.ts';
import { type Film, NoFilm } from './film.ts';
import type { Films } from './films.ts';
import { type Playback, stripOf } from './timing.ts';

export interface VideoClip extends Playback {
  /** What the page's script calls its element by. */
  readonly video: number;
  /** A failure that speaks of this clip. */
  readonly wrong: Wrong;
}

/** A rate that changes is a lane of this name. */
const RATE_LANE = /"target"\s*:\s*"rate"/;

/** Failure `TemplateInvalid` says which clip is wrong and how; `NetworkForbidden` that its file is not in the template. */
export async function videoClipsOf(
  declared: readonly DeclaredClip[],
  template: Template,
  films: Films,
): Promise<VideoClip[]> {
  const videos = declared.filter(({ video }) => video !== null);
  return await Promise.all(
    videos.map((clip, index) => clipOf(clip, template, { films, name: `video clip ${index + 1} of ${videos.length}` })),
  );
}

async function clipOf(
  declared: DeclaredClip,
  template: Template,
  { films, name }: { readonly films: Films; readonly name: string },
): Promise<VideoClip> {
  const wrong = wrongIn(template, declared, name);
  const { startSeconds, authoredSeconds, mediaStartSeconds, rate } = timesOf(declared, template, wrong);
  if (RATE_LANE.test(declared.attributes.automation ?? '')) {
    throw wrong("its data-automation changes its speed (lane 'rate'), which is not rendered. Use data-playback-rate");
  }
  if (!/^https?:/i.test(declared.src))
    throw wrong("its address names no file. Put the film into the template's folder");
  const source = await sourceOf(declared.src, template, wrong, 'pictures');
  const film = await films.read(source).catch((error: unknown) => {
    throw asWrong(error, wrong);
  });
  if (mediaStartSeconds >= film.endSeconds && authoredSeconds === null) {
    throw wrong(`it begins in its file where that is over, after ${film.endSeconds.toFixed(3)} s`);
  }
  const endSeconds = Math.min(
    startSeconds + (authoredSeconds ?? naturalSeconds(film, mediaStartSeconds, rate)),
    declared.hostEndSeconds ?? Number.POSITIVE_INFINITY,
  );
  if (endSeconds <= startSeconds) throw wrong(STARTS_TOO_LATE);
  return {
    video: declared.video ?? 0,
    wrong,
    strip: stripOf(film, template.fps, mediaStartSeconds),
    ...{ startSeconds, endSeconds, rate },
    loops: declared.loops && authoredSeconds !== null,
  };
}

const naturalSeconds = ({ endSeconds }: Film, mediaStartSeconds: number, rate: number): number =>
  (endSeconds - mediaStartSeconds) / rate;

/** What is wrong with a film, told of the clip that shows it. */
export const asWrong = (error: unknown, wrong: Wrong): unknown =>
  error instanceof NoFilm ? wrong(`its file ${error.message}`, error) : error;
