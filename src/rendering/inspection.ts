/** A template in a warm browser, for whoever looks at more than its video: any params, any frame, in any order. */

import { Failure } from '../contracts/failures.ts';
import type { Params } from '../contracts/video.ts';
import type { Template } from '../templates/template.ts';
import type { DevTools } from './browser/devtools.ts';
import type { FrameSource } from './capture/frame-source.ts';
import type { Size } from './geometry.ts';
import type { Finding } from './page/findings.ts';
import type { WarmBrowser } from './warm-browser.ts';

export class Inspection {
  /** Of the frames. */
  readonly size: Size;
  private readonly member: WarmBrowser;
  private readonly template: Template;
  private readonly signal: AbortSignal;
  private source: FrameSource | null = null;

  constructor(member: WarmBrowser, template: Template, size: Size, signal: AbortSignal) {
    this.member = member;
    this.template = template;
    this.size = size;
    this.signal = signal;
  }

  get devtools(): DevTools {
    return this.member.devtools;
  }

  /** What the template was found to do since it got its params. */
  get found(): readonly Finding[] {
    return this.member.found;
  }

  /** Gives params to the page that is there, as a render does. Its failures are those of a render. */
  async open(params: Params): Promise<void> {
    this.signal.throwIfAborted();
    this.source = null;
    this.source = await this.member.open(this.template, params, this.size);
  }

  /** The same in a page that has never had params. */
  async openFresh(params: Params): Promise<void> {
    await this.member.unload();
    await this.open(params);
  }

  /** Draws frames and hands each out as I420, a copy: in this order, each as if it were the first that is taken. */
  async *frames(indices: Iterable<number>): AsyncGenerator<Uint8Array> {
    for (const index of indices) {
      for await (const { data } of this.opened.frames({ start: index, end: index + 1 }, this.signal)) {
        yield new Uint8Array(data);
      }
    }
    this.member.assertClean();
  }

  /** One frame as I420. */
  async frame(index: number): Promise<Uint8Array> {
    for await (const data of this.frames([index])) return data;
    throw new Failure('Internal', `Frame ${index} was not drawn.`);
  }

  /** Draws a frame and takes no picture of it. */
  async seek(index: number): Promise<void> {
    this.signal.throwIfAborted();
    await this.member.seek(index);
  }

  /** Runs an expression in the page around the template, whose document is `nightreelStage.document`; plain data comes back. */
  async evaluate(expression: string): Promise<unknown> {
    return await this.devtools.evaluate(expression);
  }

  private get opened(): FrameSource {
    if (this.source === null) throw new Failure('Internal', 'A frame was asked for before params were given.');
    return this.source;
  }
}
