/**
 * A fixed number of warm browsers, lent one render at a time. It serves from the moment when the first is warm. One that has
 * done its share, or holds too much memory, is replaced, and the replacement is warm before the old one goes; one that breaks
 * is replaced at once. Knows nothing of what a browser is.
 */

import { AsyncLocalStorage } from 'node:async_hooks';
import { asFailure, Failure } from '../../contracts/failures.ts';
import type { Log } from '../log.ts';
import { mebibytes } from './memory.ts';

export interface PoolMember extends AsyncDisposable {
  /** Aborted with a `Failure` when it can no longer be used. */
  readonly broken: AbortSignal;
  /** Memory that it holds; 0 where that cannot be known. */
  memoryBytes(): number;
  /** Ends it at once: what is under way fails with this reason. */
  kill(reason: Failure): void;
}

export interface PoolOptions<Member> {
  readonly slots: number;
  /** Renders after which a member is replaced. */
  readonly recycleAfter: number;
  /** Memory above which a member is replaced when its render is over; with twice as much it is ended in the middle of it. 1.5 GiB. */
  readonly recycleAboveBytes?: number | undefined;
  /** Starts and warms one. */
  readonly launch: (signal: AbortSignal) => Promise<Member>;
  readonly log: Log;
  /** How often the memory of lent members is looked at. */
  readonly watchMs?: number;
  /** Pause before a launch that failed is tried again; it doubles up to 64 times that. */
  readonly retryMs?: number;
}

/** The right to use a member until it is released, which happens once. */
export interface Lease<Member> extends AsyncDisposable {
  readonly member: Member;
  /** Says that the member must not be used again. */
  discard(): void;
  release(): void;
}

/** How the pool stands, for whoever watches it. */
export interface PoolState {
  readonly slots: number;
  /** Members that are warm, lent ones included. */
  readonly ready: number;
  readonly leased: number;
  /** Who waits for a member. */
  readonly waiting: number;
  /** Members that were launched and warmed so far. */
  readonly warmed: number;
  /** Times that one was lent so far. */
  readonly lent: number;
  /** Members replaced so far because they had done their share or held too much memory. */
  readonly recycled: number;
  /** Members taken out at once so far: they broke, or were of no use for what came next. */
  readonly discarded: number;
  /** Memory that all members hold. */
  readonly memoryBytes: number;
}

interface Slot<Member> {
  current: Member | null;
  /** The warm successor of a member that is still lent. */
  next: Member | null;
  uses: number;
  isLent: boolean;
  launching: Promise<void> | null;
  /** Launches in a row that came to nothing. */
  failures: number;
  retry: NodeJS.Timeout | null;
}

interface Waiter<Member> {
  readonly resolve: (slot: Slot<Member>) => void;
  readonly reject: (reason: unknown) => void;
}

const DEFAULTS = { watchMs: 1_000, retryMs: 1_000, recycleAboveBytes: 1.5 * 1024 ** 3 } as const;
const MAX_DOUBLINGS = 6;
const HARD_LIMIT_FACTOR = 2;

export class BrowserPool<Member extends PoolMember> implements AsyncDisposable {
  private readonly options: PoolOptions<Member>;
  private readonly slots: Slot<Member>[];
  private readonly waiters = new Set<Waiter<Member>>();
  private readonly closing = new Set<Promise<void>>();
  private readonly lifetime = new AbortController();
  private readonly watch: NodeJS.Timeout;
  private readonly recycleAboveBytes: number;
  private readonly idle = Promise.withResolvers<void>();
  private isDraining = false;
  /** Runs something as if nobody had asked for it: what a browser tells later belongs to no render that is over. */
  private readonly apart = AsyncLocalStorage.snapshot();
  private readonly counts = { warmed: 0, lent: 0, recycled: 0, discarded: 0 };

  private constructor(options: PoolOptions<Member>) {
    this.options = options;
    this.recycleAboveBytes = options.recycleAboveBytes ?? DEFAULTS.recycleAboveBytes;
    this.slots = Array.from({ length: options.slots }, () => ({
      current: null,
      next: null,
      uses: 0,
      isLent: false,
      launching: null,
      failures: 0,
      retry: null,
    }));
    this.watch = setInterval(() => this.lookAtLent(), options.watchMs ?? DEFAULTS.watchMs);
    this.watch.unref();
  }

  /**
   * Returns once one member is warm; the others join as they become ready, and what fails is tried again while one works.
   * Throws when none can be launched. `first`: one that is warm already.
   */
  static async start<Member extends PoolMember>(
    options: PoolOptions<Member>,
    first: Member | null = null,
  ): Promise<BrowserPool<Member>> {
    const pool = new BrowserPool(options);
    const [slot] = pool.slots;
    if (slot !== undefined && first !== null) {
      pool.counts.warmed += 1;
      pool.settleIn(slot, first);
    }
    for (const empty of pool.slots) if (empty.current === null) pool.replace(empty);
    try {
      const ready = pool.freeSlot() ?? (await pool.wait(pool.lifetime.signal));
      ready.isLent = false;
    } catch (error) {
      await pool[Symbol.asyncDispose]();
      throw error;
    }
    return pool;
  }

  /** Members that could be lent right now or are lent. */
  get ready(): number {
    return this.slots.filter(({ current }) => current !== null).length;
  }

  /** Looks at the memory of every member, which takes a millisecond each. */
  get state(): PoolState {
    const members = this.slots.flatMap(({ current, next }) => [current, next]).filter((member) => member !== null);
    return {
      slots: this.slots.length,
      ready: this.ready,
      leased: this.slots.filter(({ isLent }) => isLent).length,
      waiting: this.waiters.size,
      ...this.counts,
      memoryBytes: members.reduce((total, member) => total + member.memoryBytes(), 0),
    };
  }

  /** Waits for a free member, first come first served. */
  async acquire(signal: AbortSignal): Promise<Lease<Member>> {
    signal.throwIfAborted();
    this.lifetime.signal.throwIfAborted();
    if (this.isDraining) throw new Failure('WorkerLost', 'This worker is being stopped and takes no new renders.');
    const slot = this.freeSlot() ?? (await this.wait(signal));
    const { current } = slot;
    if (current === null) throw new Failure('Internal', 'The browser pool lent an empty slot.');
    slot.isLent = true;
    this.counts.lent += 1;
    let isReleased = false;
    let mustGo = false;
    const release = (): void => {
      if (isReleased) return;
      isReleased = true;
      this.takeBack(slot, mustGo);
    };
    return {
      member: current,
      discard: () => {
        mustGo = true;
      },
      release,
      [Symbol.asyncDispose]: async () => release(),
    };
  }

  /** Refuses whoever asks from now on with `WorkerLost`; returns when nobody has a member or waits for one any more. */
  async drain(): Promise<void> {
    this.isDraining = true;
    this.noteIdle();
    await this.idle.promise;
  }

  /** Ends every member, lent ones too, and waits until they are gone. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.lifetime.abort(new Failure('Cancelled', 'The browser pool was closed.'));
    clearInterval(this.watch);
    for (const waiter of this.waiters) waiter.reject(this.lifetime.signal.reason);
    this.waiters.clear();
    this.idle.resolve();
    for (const { retry } of this.slots) if (retry !== null) clearTimeout(retry);
    await Promise.all(this.slots.map(({ launching }) => launching));
    for (const slot of this.slots) {
      for (const member of [slot.current, slot.next]) if (member !== null) this.close(member);
      slot.current = null;
      slot.next = null;
    }
    await Promise.all(this.closing);
  }

  private freeSlot(): Slot<Member> | undefined {
    return this.slots.find(({ current, isLent }) => current !== null && !isLent && !current.broken.aborted);
  }

  private async wait(signal: AbortSignal): Promise<Slot<Member>> {
    const { promise, resolve, reject } = Promise.withResolvers<Slot<Member>>();
    const waiter: Waiter<Member> = { resolve, reject };
    const giveUp = () => reject(signal.reason);
    this.waiters.add(waiter);
    signal.addEventListener('abort', giveUp, { once: true });
    // While one works it is waited for; otherwise there is nothing that a pause would spare.
    if (this.ready === 0) for (const slot of this.slots) this.replace(slot);
    try {
      return await promise;
    } finally {
      this.waiters.delete(waiter);
      signal.removeEventListener('abort', giveUp);
      this.noteIdle();
    }
  }

  private takeBack(slot: Slot<Member>, mustGo: boolean): void {
    slot.isLent = false;
    slot.uses += 1;
    slot.failures = 0;
    if (this.lifetime.signal.aborted) return;
    if (mustGo || slot.current === null || slot.current.broken.aborted) this.retire(slot);
    else if (slot.next !== null) this.settleIn(slot, slot.next);
    else if (slot.uses >= this.options.recycleAfter || this.isTooLarge(slot.current)) this.recycle(slot);
    this.serveNext();
    this.noteIdle();
  }

  /** Takes the current member out; its successor, or one that is launched now, takes its place. */
  private retire(slot: Slot<Member>): void {
    const wasUsed = slot.uses > 0;
    if (slot.current !== null) {
      this.counts.discarded += 1;
      this.close(slot.current);
    }
    slot.current = null;
    if (slot.next !== null) {
      this.settleIn(slot, slot.next);
    } else if (wasUsed || slot.failures === 0) {
      slot.failures += 1;
      this.replace(slot);
    } else {
      // Browsers that break before anybody used them would otherwise be started without end.
      this.replaceLater(slot);
    }
  }

  /** Launches a successor of a member that is still good, unless a pause after a failed one is on. */
  private recycle(slot: Slot<Member>): void {
    if (slot.retry === null) this.replace(slot);
  }

  private replace(slot: Slot<Member>): void {
    if (slot.launching !== null || this.lifetime.signal.aborted) return;
    if (this.isDraining && this.waiters.size === 0) return;
    if (slot.retry !== null) clearTimeout(slot.retry);
    slot.retry = null;
    const settle = (member: Member): void => {
      if (this.lifetime.signal.aborted) this.close(member);
      else if (slot.isLent) slot.next = member;
      else this.settleIn(slot, member);
    };
    const launched = (member: Member): void => {
      slot.launching = null;
      this.counts.warmed += 1;
      settle(member);
    };
    const failed = (error: unknown): void => {
      slot.launching = null;
      this.launchFailed(slot, error);
    };
    const launching = this.apart(() => this.options.launch(this.lifetime.signal).then(launched, failed));
    slot.launching = launching.finally(() => this.serveNext());
  }

  private replaceLater(slot: Slot<Member>): number {
    const pauseMs = (this.options.retryMs ?? DEFAULTS.retryMs) * 2 ** Math.min(slot.failures, MAX_DOUBLINGS);
    slot.failures += 1;
    slot.retry ??= setTimeout(() => {
      slot.retry = null;
      this.replace(slot);
    }, pauseMs).unref();
    return pauseMs;
  }

  private settleIn(slot: Slot<Member>, member: Member): void {
    if (slot.current !== null && slot.current !== member) {
      this.counts.recycled += 1;
      this.close(slot.current);
    }
    slot.current = member;
    slot.next = null;
    slot.uses = 0;
    const onBroken = () => {
      if (slot.current !== member || slot.isLent) return;
      this.retire(slot);
    };
    member.broken.addEventListener('abort', onBroken, { once: true });
    if (member.broken.aborted) onBroken();
  }

  private launchFailed(slot: Slot<Member>, error: unknown): void {
    if (this.lifetime.signal.aborted) return;
    const failure = asFailure(error, 'BrowserCrashed');
    const { failureClass, message, detail } = failure;
    const retryInMs = this.replaceLater(slot);
    // Browsers are warmed with a placeholder: the detail quotes nobody.
    this.options.log.error({ failureClass, error: message, detail, retryInMs }, 'a browser did not start');
    // Whoever waits would wait for ever; the next one to ask makes the pool try again.
    if (this.ready > 0 || this.slots.some(({ launching }) => launching !== null)) return;
    for (const waiter of this.waiters) waiter.reject(failure);
  }

  private isTooLarge(member: Member): boolean {
    return member.memoryBytes() > this.recycleAboveBytes;
  }

  /** During a render that takes long: one that grows gets its successor early, one that grows without end is ended. */
  private lookAtLent(): void {
    const hardLimit = this.recycleAboveBytes * HARD_LIMIT_FACTOR;
    for (const slot of this.slots) {
      const { current, isLent, next } = slot;
      if (current === null || !isLent || current.broken.aborted) continue;
      const bytes = current.memoryBytes();
      if (bytes > hardLimit) {
        current.kill(
          new Failure(
            'BrowserCrashed',
            `Chromium held ${mebibytes(bytes)} MiB of memory in the middle of a render and was ended (limit: ${mebibytes(hardLimit)} MiB). If a fresh browser grows so too, the template's author must make it need less.`,
          ),
        );
      } else if (bytes > this.recycleAboveBytes && next === null) {
        this.recycle(slot);
      }
    }
  }

  private serveNext(): void {
    for (const waiter of this.waiters) {
      const slot = this.freeSlot();
      if (slot === undefined) return;
      // Lent from here on, so that two waiters cannot be given the same one.
      slot.isLent = true;
      this.waiters.delete(waiter);
      waiter.resolve(slot);
    }
  }

  private noteIdle(): void {
    if (this.isDraining && this.waiters.size === 0 && !this.slots.some(({ isLent }) => isLent)) this.idle.resolve();
  }

  private close(member: Member): void {
    const closed = Promise.resolve(member[Symbol.asyncDispose]()).catch((error: unknown) => {
      this.options.log.warn({ error: String(error) }, 'a browser did not close');
    });
    this.closing.add(closed);
    void closed.finally(() => this.closing.delete(closed));
  }
}
