/** What it takes to make a video or a scene, noted where it is used by whoever works for it. */

import { AsyncLocalStorage } from 'node:async_hooks';
import type { RenderMeasures, RenderStage } from '../../contracts/batch.ts';
import { type GroupTimes, timesOf, usedBetween } from './group-times.ts';
import { type WorkerShare, WorkerTime } from './worker-share.ts';

/** Who uses processor time: the browser's processes with their display, all runs of ffmpeg, this process. */
export const CPU_PARTS = ['browser', 'encoder', 'worker'] as const;
export type CpuPart = (typeof CPU_PARTS)[number];

const current = new AsyncLocalStorage<Meter>();
const workerTime = new WorkerTime();

/**
 * Work that several wait for is noted by the meter of whoever began it, and by no other: sums over meters count nothing twice.
 * To be disposed when the work is over.
 */
export class Meter implements Disposable {
  private readonly share: WorkerShare = workerTime.begin();
  private readonly used = { browser: 0, encoder: 0 };
  private readonly stages: Partial<Record<RenderStage, number>> = {};
  private frameCount = 0;
  /** Whether some of the time of other processes could not be read. */
  private hasGap = false;

  /** The one that `measured` runs under here; undefined: nobody wants to know. */
  static get current(): Meter | undefined {
    return current.getStore();
  }

  /** Does work that is noted here, together with all that it begins. */
  async measured<T>(work: () => Promise<T>): Promise<T> {
    return await current.run(this, work);
  }

  addStage(stage: RenderStage, durationMs: number): void {
    this.stages[stage] = (this.stages[stage] ?? 0) + durationMs;
  }

  addFrames(count: number): void {
    this.frameCount += count;
  }

  /** Notes what these process groups use from now on until the returned value is disposed, or `stop` is called. */
  browser(groups: readonly number[]): Disposable {
    const before = timesOf(groups);
    let isOver = false;
    return {
      [Symbol.dispose]: () => {
        if (isOver) return;
        isOver = true;
        this.addBrowser(before, timesOf(groups));
      },
    };
  }

  /** Notes what a run of ffmpeg has used; null: nobody knows. */
  addEncoder(ms: number | null): void {
    if (ms === null) this.hasGap = true;
    else this.used.encoder += ms;
  }

  /** Processor time so far by who used it, ms; null where that of other processes cannot be told. */
  get cpuMs(): Readonly<Record<CpuPart, number>> | null {
    return this.hasGap ? null : { ...this.used, worker: this.share.usedMs() };
  }

  /** The same, of all of them. */
  get totalCpuMs(): number | null {
    const { cpuMs } = this;
    return cpuMs && Math.round(cpuMs.browser + cpuMs.encoder + cpuMs.worker);
  }

  /** What it came to. */
  measures({
    bytes,
    videos = 1,
    endedAt,
    worker,
  }: Pick<RenderMeasures, 'bytes' | 'videos' | 'endedAt' | 'worker'>): RenderMeasures {
    const { totalCpuMs } = this;
    const stages = Object.fromEntries(Object.entries(this.stages).map(([stage, ms]) => [stage, Math.round(ms)]));
    return {
      ...{ stages, ...(totalCpuMs !== null && { cpuMs: totalCpuMs }) },
      ...{
        frames: this.frameCount,
        bytes,
        ...(videos > 1 && { videos }),
        endedAt,
        ...(worker !== undefined && { worker }),
      },
    };
  }

  [Symbol.dispose](): void {
    this.share[Symbol.dispose]();
  }

  private addBrowser(before: GroupTimes | null, after: GroupTimes | null): void {
    if (before === null || after === null) this.hasGap = true;
    else this.used.browser += usedBetween(before, after);
  }
}
