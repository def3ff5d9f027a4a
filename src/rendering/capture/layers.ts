/**
 * The layers that Chromium has made of the page. As a rule one holds the whole stage, and how it is drawn depends on nothing
 * but the moment. But of a group whose boxes leave much of its area empty Chromium makes several, and the first picture of a
 * layer whose scale has changed is laid out by the larger of its scales, this moment's and the one's before: edges of
 * tiles show it. From the second picture on it is laid out by its own.
 */

import type { CDPSession } from 'puppeteer';

/** A matrix of CSS, column by column. */
const IDENTITY: readonly number[] = [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1];
/** Where its translation begins. */
const TRANSLATION = 12;

const isMoreThanMoved = (matrix: readonly number[]): boolean =>
  IDENTITY.some((value, at) => at < TRANSLATION && matrix[at] !== value);

export class LayerWatch {
  /**
   * Whether there is a layer that may have had another scale a moment before. As of the last moment but one when a moment was
   * just drawn, which is enough: a layer that is new has had none.
   */
  hasScaled = false;

  /** Of a session in which `LayerTree` is enabled (the compositor does it). */
  constructor(session: CDPSession) {
    session.on('LayerTree.layerTreeDidChange', ({ layers = [] }) => {
      this.hasScaled = layers.some(
        ({ drawsContent, transform }) => drawsContent && isMoreThanMoved(transform ?? IDENTITY),
      );
    });
  }
}
