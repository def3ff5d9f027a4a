/** What was drawn on a display, as its X server noted it: the extensions DAMAGE and XFIXES. */

import { LIMIT_MS, request, words, XConnection } from './x-connection.ts';

const DAMAGE = { queryVersion: 0, create: 1, subtract: 3 } as const;
const FIXES = { queryVersion: 0, createRegion: 5, fetchRegion: 19 } as const;
/** Tell once, by an event, that there is something: what it is, is asked for. */
const NON_EMPTY = 3;
const NONE = 0;

/** A rectangle of the screen; the right column and the lower row are not part of it. */
export interface Area {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

export class ScreenDamage implements Disposable {
  private readonly connection: XConnection;
  private readonly question: Buffer;

  private constructor(connection: XConnection, question: Buffer) {
    this.connection = connection;
    this.question = question;
  }

  /** Failure `BrowserCrashed` when the server does not answer, or cannot tell. `key`: of its authority file. */
  static async watch(display: number, key: Uint8Array): Promise<ScreenDamage> {
    const connection = await XConnection.open(display, key);
    try {
      const damages = await connection.extension('DAMAGE');
      const fixes = await connection.extension('XFIXES');
      // Both refuse anything else before they have been told which version is spoken.
      await connection.ask(request(damages, DAMAGE.queryVersion, words(1, 1)), LIMIT_MS);
      await connection.ask(request(fixes, FIXES.queryVersion, words(5, 0)), LIMIT_MS);
      const [damage, region] = [connection.newResource(), connection.newResource()];
      connection.send(request(damages, DAMAGE.create, words(damage, connection.root, NON_EMPTY)));
      connection.send(request(fixes, FIXES.createRegion, words(region)));
      const question = Buffer.concat([
        request(damages, DAMAGE.subtract, words(damage, NONE, region)),
        request(fixes, FIXES.fetchRegion, words(region)),
      ]);
      return new ScreenDamage(connection, question);
    } catch (error) {
      connection[Symbol.dispose]();
      throw error;
    }
  }

  /**
   * The rectangle around all of the screen that was drawn on since the last call; null when nothing was. At first: all.
   * Failure `BrowserHung` when the server does not answer in time, `BrowserCrashed` when it is gone.
   */
  async take(limitMs: number): Promise<Area | null> {
    const reply = await this.connection.ask(this.question, limitMs);
    const [left, top] = [reply.readInt16LE(8), reply.readInt16LE(10)];
    const [width, height] = [reply.readUInt16LE(12), reply.readUInt16LE(14)];
    return height === 0 ? null : { left, top, right: left + width, bottom: top + height };
  }

  /** Whether something was drawn since the last call of `take`. */
  get isNoted(): boolean {
    return this.connection.isNotified;
  }

  /** Ends as soon as that is so, and after `limitMs` in any case. */
  async noted(limitMs: number): Promise<void> {
    await this.connection.event(limitMs);
  }

  [Symbol.dispose](): void {
    this.connection[Symbol.dispose]();
  }
}
