/**
 * The layers that Chromium has made of the page. As a rule one holds the whole template, and how it is drawn depends on nothing
 * but the moment. A group whose boxes leave much of its area empty becomes several. The edges of such a layer may be smoothed, and touch
 * pixels beside what Chromium shows anew. And the first picture of one whose scale has changed is laid out by the larger of its scales,
 * this moment's and the one's before: edges of tiles show it. From the second picture on it is laid out by its own.
 */

import type { CDPSession, Protocol } from 'puppeteer';

type Layer = Protocol.LayerTree.Layer;

/** A matrix of CSS, column by column. */
const IDENTITY: readonly number[] = [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1];
/** Where its translation begins. */
const TRANSLATION = 12;
/** Of page/inject/stage.html, from below: the window's background, what lies under the frame, the frame, the marks. */
const STAGE_LAYERS = 4;

const isMoreThanMoved = (matrix: readonly number[]): boolean =>
  IDENTITY.some((value, at) => at < TRANSLATION && matrix[at] !== value);

/** The marks' size, by which they are found among the layers of a stage, and whether their number is odd. */
export interface MarkLayer {
  readonly width: { readonly even: number; readonly odd: number };
  readonly height: number;
}

/** What Chromium told last. */
interface Told {
  /** Whether the number in the marks is odd; null where they are not shown. */
  readonly isOdd: boolean | null;
  /** Whether all of the template is in one layer. */
  readonly isOneLayer: boolean;
}

export class LayerWatch {
  /**
   * Whether there is a layer that may have had another scale a moment before. As of the last moment but one when a moment was
   * just drawn, which is enough: a layer that is new has had none.
   */
  hasScaled = false;
  private told: Told = { isOdd: null, isOneLayer: false };
  private waiting: { readonly isOdd: boolean; readonly resolve: () => void } | null = null;

  /** Of a session in which `LayerTree` is enabled (the compositor does it). */
  constructor(session: CDPSession, marks: MarkLayer) {
    session.on('LayerTree.layerTreeDidChange', ({ layers = [] }) => {
      const drawn = layers.filter(({ drawsContent, width, height }) => drawsContent && width > 0 && height > 0);
      this.hasScaled = drawn.some(({ transform }) => isMoreThanMoved(transform ?? IDENTITY));
      this.told = { isOdd: parityOf(drawn, marks), isOneLayer: isStageAlone(drawn) };
      if (this.waiting?.isOdd === this.told.isOdd) this.waiting.resolve();
    });
  }

  /** Whether all of the template was in one layer when Chromium told of layers last. */
  get wasOneLayer(): boolean {
    return this.told.isOneLayer;
  }

  /**
   * Whether it is so at the moment with this number, the last that was drawn. False when Chromium has not told within `limitMs`. That the
   * number is even or odd tells it from the one before, and what was told of those before has come before the page answered.
   */
  async isOneLayer(mark: number, limitMs: number): Promise<boolean> {
    const isOdd = mark % 2 === 1;
    if (this.told.isOdd !== isOdd) {
      const { promise, resolve } = Promise.withResolvers<void>();
      const timer = setTimeout(resolve, limitMs);
      this.waiting = { isOdd, resolve };
      await promise;
      this.waiting = null;
      clearTimeout(timer);
    }
    return this.told.isOdd === isOdd && this.told.isOneLayer;
  }
}

/** Whether there are no layers but the stage's own, the template in the frame's, which may be wider than what lies under it. */
const isStageAlone = (layers: readonly Layer[]): boolean => {
  const [, under, frame] = layers;
  if (layers.length !== STAGE_LAYERS || under === undefined || frame === undefined) return false;
  return under.width <= frame.width && under.height === frame.height;
};

/** Whether the number in the marks is odd: of the last layer that has their size, as they are above all others. */
function parityOf(layers: readonly Layer[], { width: { even, odd }, height }: MarkLayer): boolean | null {
  const marks = layers.findLast((layer) => layer.height === height && (layer.width === even || layer.width === odd));
  return marks === undefined ? null : marks.width === odd;
}
