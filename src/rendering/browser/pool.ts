/**
 * A fixed number of warm browsers, lent one render at a time. One that has done its share is replaced, and the replacement
 * is warm before the old one goes; one that breaks is replaced at once. Knows nothing of what a browser is.
 */

import { asFailure, Failure } from '../../contracts/failures.ts';
import type { Log } from '../log.ts';

export interface PoolMember extends AsyncDisposable {
  /** Aborted with a `Failure` when it can no longer be used. */
  readonly broken: AbortSignal;
}

export interface PoolOptions<Member> {
  readonly slots: number;
  /** Renders after which a member is replaced. */
  readonly recycleAfter: number;
  /** Starts and warms one. */
  readonly launch: (signal: AbortSignal) => Promise<Member>;
  readonly log: Log;
}

/** The right to use a member until it is released, which happens once. */
export interface Lease<Member> extends AsyncDisposable {
  readonly member: Member;
  /** Says that the member must not be used again. */
  discard(): void;
  release(): void;
}

interface Slot<Member> {
  current: Member | null;
  /** The warm successor of a member that is still lent. */
  next: Member | null;
  uses: number;
  isLent: boolean;
  launching: Promise<void> | null;
}

interface Waiter<Member> {
  readonly resolve: (slot: Slot<Member>) => void;
  readonly reject: (reason: unknown) => void;
}

export class BrowserPool<Member extends PoolMember> implements AsyncDisposable {
  private readonly options: PoolOptions<Member>;
  private readonly slots: Slot<Member>[];
  private readonly waiters = new Set<Waiter<Member>>();
  private readonly closing = new Set<Promise<void>>();
  private readonly lifetime = new AbortController();

  private constructor(options: PoolOptions<Member>) {
    this.options = options;
    this.slots = Array.from({ length: options.slots }, () => ({
      current: null,
      next: null,
      uses: 0,
      isLent: false,
      launching: null,
    }));
  }

  /** All members launched and warm. When one cannot be, none stays. `first`: one that is warm already. */
  static async start<Member extends PoolMember>(
    options: PoolOptions<Member>,
    first: Member | null = null,
  ): Promise<BrowserPool<Member>> {
    const pool = new BrowserPool(options);
    const [slot] = pool.slots;
    if (slot !== undefined && first !== null) pool.settleIn(slot, first);
    const launches = pool.slots
      .filter(({ current }) => current === null)
      .map(async (empty) => pool.settleIn(empty, await options.launch(pool.lifetime.signal)));
    try {
      await Promise.all(launches);
    } catch (error) {
      pool.lifetime.abort(error);
      await Promise.allSettled(launches);
      await pool[Symbol.asyncDispose]();
      throw error;
    }
    return pool;
  }

  /** Members that could be lent right now or are lent. */
  get ready(): number {
    return this.slots.filter(({ current }) => current !== null).length;
  }

  /** Waits for a free member, first come first served. */
  async acquire(signal: AbortSignal): Promise<Lease<Member>> {
    signal.throwIfAborted();
    this.lifetime.signal.throwIfAborted();
    const slot = this.freeSlot() ?? (await this.wait(signal));
    const { current } = slot;
    if (current === null) throw new Failure('Internal', 'The browser pool lent an empty slot.');
    slot.isLent = true;
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

  /** Ends every member, lent ones too, and waits until they are gone. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.lifetime.abort(new Failure('Cancelled', 'The browser pool was closed.'));
    for (const waiter of this.waiters) waiter.reject(this.lifetime.signal.reason);
    this.waiters.clear();
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
    for (const slot of this.slots) if (slot.current === null) this.replace(slot);
    try {
      return await promise;
    } finally {
      this.waiters.delete(waiter);
      signal.removeEventListener('abort', giveUp);
    }
  }

  private takeBack(slot: Slot<Member>, mustGo: boolean): void {
    slot.isLent = false;
    slot.uses += 1;
    if (this.lifetime.signal.aborted) return;
    if (mustGo || slot.current?.broken.aborted) this.retire(slot);
    else if (slot.next !== null) this.settleIn(slot, slot.next);
    else if (slot.uses >= this.options.recycleAfter) this.replace(slot);
    this.serveNext();
  }

  /** Takes the current member out; its successor, or one that is launched now, takes its place. */
  private retire(slot: Slot<Member>): void {
    if (slot.current !== null) this.close(slot.current);
    slot.current = null;
    if (slot.next !== null) this.settleIn(slot, slot.next);
    else this.replace(slot);
  }

  /** Launches a successor, while the current member, if there is one, goes on. */
  private replace(slot: Slot<Member>): void {
    if (slot.launching !== null || this.lifetime.signal.aborted) return;
    slot.launching = this.options
      .launch(this.lifetime.signal)
      .then(
        (member) => {
          if (this.lifetime.signal.aborted) this.close(member);
          else if (slot.isLent) slot.next = member;
          else this.settleIn(slot, member);
        },
        (error: unknown) => this.launchFailed(error),
      )
      .finally(() => {
        slot.launching = null;
        this.serveNext();
      });
  }

  private settleIn(slot: Slot<Member>, member: Member): void {
    if (slot.current !== null && slot.current !== member) this.close(slot.current);
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

  private launchFailed(error: unknown): void {
    if (this.lifetime.signal.aborted) return;
    const failure = asFailure(error, 'BrowserCrashed');
    const { failureClass, message, detail } = failure;
    // Browsers are warmed with a placeholder: the detail quotes nobody.
    this.options.log.error({ failureClass, error: message, detail }, 'a browser did not start');
    // Whoever waits would wait for ever; the next one to ask makes the pool try again.
    if (this.slots.every(({ current }) => current === null)) for (const waiter of this.waiters) waiter.reject(failure);
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

  private close(member: Member): void {
    const closed = Promise.resolve(member[Symbol.asyncDispose]()).catch((error: unknown) => {
      this.options.log.warn({ error: String(error) }, 'a browser did not close');
    });
    this.closing.add(closed);
    void closed.finally(() => this.closing.delete(closed));
  }
}
