/** Which frame becomes the poster. */

import type { Frame } from '../capture/frame-source.ts';
import type { Size } from '../geometry.ts';
import { DetailMeter } from './detail.ts';

export interface PosterChoiceOptions extends Size {
  readonly fps: number;
  /** The frame that the template's author named; null: the most telling one. */
  readonly wanted: number | null;
}

/** Levels of change in 1/30 s that halve a frame's worth: what scrolls is at 1, what is cut or wiped at 5 and more. */
const CALM_LEVELS = 4;
/** How much better a later frame must be: a scene that builds up slowly would else be copied frame by frame. */
const BETTER = 1.02;

/** Whether a frame worth `score` takes the place of an earlier one. Negative: there was none. */
export const isMoreTelling = (score: number, earlier: number): boolean => score > earlier * BETTER;

/**
 * Keeps a copy of the best frame so far: sharp detail counts, movement takes away from it. The same frames always give the
 * same choice.
 */
export class PosterChoice {
  private readonly options: PosterChoiceOptions;
  private readonly meter: DetailMeter;
  private kept: Uint8Array | null = null;
  private keptIndex = 0;
  private keptScore = -1;
  private lastDetail = 0;
  /** Whether the picture that is kept is still on show. */
  private isOnShow = false;

  constructor(options: PosterChoiceOptions) {
    this.options = options;
    this.meter = new DetailMeter(options);
  }

  /** Every frame once, in order. */
  consider(frame: Frame): void {
    const { wanted, fps } = this.options;
    if (wanted !== null) {
      // The first frame stands in for one that never comes.
      if (frame.index === wanted || this.kept === null) this.keep(frame, 0);
      return;
    }
    if (frame.isRepeat) {
      // What stands still is worth its whole detail.
      this.rate(frame, this.lastDetail);
      return;
    }
    this.isOnShow = false;
    const { detail, motion } = this.meter.look(frame.data);
    this.lastDetail = detail;
    this.rate(frame, detail / (1 + (motion * fps) / 30 / CALM_LEVELS));
  }

  /** The chosen frame and what it is worth; null when there was none. */
  get choice(): { readonly index: number; readonly data: Uint8Array; readonly score: number } | null {
    return this.kept === null ? null : { index: this.keptIndex, data: this.kept, score: this.keptScore };
  }

  private rate(frame: Frame, score: number): void {
    if (this.isOnShow) this.keptScore = Math.max(this.keptScore, score);
    else if (isMoreTelling(score, this.keptScore)) this.keep(frame, score);
  }

  private keep({ index, data }: Frame, score: number): void {
    if (this.kept === null) this.kept = new Uint8Array(data);
    else this.kept.set(data);
    this.keptIndex = index;
    this.keptScore = score;
    this.isOnShow = true;
  }
}
