import { AsyncLocalStorage } from 'node:async_hooks';
import { describe, expect, test } from '@jest/globals';
import { BrowserPool, type PoolMember } from '../../src/rendering/browser/pool.ts';
import { keptLog, until } from './support.ts';

class Member implements PoolMember {
  readonly number: number;
  isClosed = false;
  bytes = 0;
  private readonly crash = new AbortController();
  constructor(number: number) {
    this.number = number;
  }
  get broken(): AbortSignal {
    return this.crash.signal;
  }
  break(): void {
    this.crash.abort(new Error('broken'));
  }
  memoryBytes(): number {
    return this.bytes;
  }
  kill(reason: Error): void {
    this.crash.abort(reason);
  }
  async [Symbol.asyncDispose](): Promise<void> {
    this.isClosed = true;
  }
}

interface Settings {
  readonly recycleAfter?: number;
  readonly recycleAboveBytes?: number;
  readonly retryMs?: number;
}

/** What the launches of a pool do: they go on when the test says so. */
function launches() {
  const members: Member[] = [];
  let gate: Promise<unknown> = Promise.resolve();
  let begun = 0;
  return {
    members,
    get begun() {
      return begun;
    },
    launch: async (): Promise<Member> => {
      begun += 1;
      await gate;
      const member = new Member(members.length);
      members.push(member);
      return member;
    },
    hold: (): { readonly letGo: (failure?: Error) => void } => {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      gate = promise;
      promise.catch(() => undefined);
      return { letGo: (failure) => (failure === undefined ? resolve() : reject(failure)) };
    },
  };
}

/** A pool with all its members warm. */
async function poolOf(slots: number, settings: Settings = {}) {
  const starts = launches();
  const log = keptLog();
  const { launch, members, hold: holdLaunches } = starts;
  const pool = await BrowserPool.start({ slots, recycleAfter: 100, watchMs: 5, retryMs: 5, launch, log, ...settings });
  await until('every member', () => pool.ready === slots);
  return { pool, members, holdLaunches, starts, log };
}

const never = new AbortController().signal;
const turn = () => new Promise((done) => setImmediate(done));

describe('lending', () => {
  test('a member is lent to one at a time, and the next in line gets it', async () => {
    const { pool } = await poolOf(1);
    const first = await pool.acquire(never);
    const order: string[] = [];
    const ask = async (name: string) => {
      const lease = await pool.acquire(never);
      order.push(name);
      return lease;
    };
    const [second, third] = [ask('second'), ask('third')];
    await turn();
    expect(order).toEqual([]);
    first.release();
    (await second).release();
    (await third).release();
    expect(order).toEqual(['second', 'third']);
    await pool[Symbol.asyncDispose]();
  });

  test('its state tells who is lent, who waits, what was replaced and what memory is held', async () => {
    const { pool, members } = await poolOf(2, { recycleAfter: 1 });
    for (const member of members) member.bytes = 100;
    const quiet = {
      slots: 2,
      ready: 2,
      leased: 0,
      waiting: 0,
      warmed: 2,
      lent: 0,
      recycled: 0,
      discarded: 0,
      memoryBytes: 200,
    };
    expect(pool.state).toEqual(quiet);

    const [one, two] = [await pool.acquire(never), await pool.acquire(never)];
    const third = pool.acquire(never);
    expect(pool.state).toEqual({ ...quiet, leased: 2, lent: 2, waiting: 1 });
    one.discard();
    one.release();
    two.release();
    (await third).release();
    await until('the successors', () => pool.state.recycled > 0 && pool.state.ready === 2);
    expect(pool.state).toMatchObject({ leased: 0, waiting: 0, lent: 3, discarded: 1 });
    await pool[Symbol.asyncDispose]();
    expect(pool.state).toMatchObject({ slots: 2, ready: 0, memoryBytes: 0 });
  });

  test('a lease that is released twice frees its member once', async () => {
    const { pool } = await poolOf(1);
    const first = await pool.acquire(never);
    first.release();
    const second = await pool.acquire(never);
    first.release();
    await first[Symbol.asyncDispose]();
    let isLent = false;
    const third = pool.acquire(never).then((lease) => {
      isLent = true;
      return lease;
    });
    await turn();
    expect(isLent).toBe(false);
    second.release();
    (await third).release();
    await pool[Symbol.asyncDispose]();
  });

  test('who gives up waiting is not given a member', async () => {
    const { pool } = await poolOf(1);
    const first = await pool.acquire(never);
    const controller = new AbortController();
    const waiting = pool.acquire(controller.signal);
    controller.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
    first.release();
    (await pool.acquire(never)).release();
    await pool[Symbol.asyncDispose]();
  });
});

describe('replacing', () => {
  test('a member that has done its share goes on until its successor is warm', async () => {
    const { pool, members, holdLaunches } = await poolOf(1, { recycleAfter: 2 });
    const launches = holdLaunches();
    for (let use = 0; use < 5; use++) {
      await using lease = await pool.acquire(never);
      expect(lease.member.number).toBe(0);
      expect(pool.ready).toBe(1);
    }
    launches.letGo();
    await until('the successor', () => members.length === 2);
    await turn();
    const lease = await pool.acquire(never);
    expect(lease.member.number).toBe(1);
    expect(members[0]?.isClosed).toBe(true);
    lease.release();
    await pool[Symbol.asyncDispose]();
  });

  test('a successor that is warm while the old member is lent waits for it to come back', async () => {
    const { pool, members, holdLaunches } = await poolOf(1, { recycleAfter: 1 });
    const launches = holdLaunches();
    (await pool.acquire(never)).release();
    const lease = await pool.acquire(never);
    launches.letGo();
    await until('the successor', () => members.length === 2);
    await turn();
    expect(members[0]?.isClosed).toBe(false);
    lease.release();
    expect(members[0]?.isClosed).toBe(true);
    await pool[Symbol.asyncDispose]();
    expect(members.every(({ isClosed }) => isClosed)).toBe(true);
  });

  test('a successor is launched on behalf of nobody, and so is one that does not start', async () => {
    const asked = new AsyncLocalStorage<string>();
    const log = { ...keptLog(), error: () => void told.push(asked.getStore()) };
    const launched: (string | undefined)[] = [];
    const told: (string | undefined)[] = [];
    const launch = async (): Promise<Member> => {
      launched.push(asked.getStore());
      await turn();
      if (launched.length === 2) throw new Error('no memory');
      return new Member(launched.length);
    };
    await using pool = await BrowserPool.start({ slots: 1, recycleAfter: 1, retryMs: 5, launch, log });
    await asked.run('a render', async () => (await pool.acquire(never)).release());
    await until('a successor', () => launched.length === 3);
    expect({ launched, told }).toEqual({ launched: [undefined, undefined, undefined], told: [undefined] });
  });

  test('a discarded member is never lent again', async () => {
    const { pool, members } = await poolOf(1);
    const lease = await pool.acquire(never);
    lease.discard();
    lease.release();
    const next = await pool.acquire(never);
    expect(next.member.number).toBe(1);
    expect(members[0]?.isClosed).toBe(true);
    next.release();
    await pool[Symbol.asyncDispose]();
  });

  test('an idle member that breaks is replaced at once', async () => {
    const { pool, members } = await poolOf(2);
    members[0]?.break();
    await until('the successor', () => members.length === 3);
    await turn();
    const leases = await Promise.all([pool.acquire(never), pool.acquire(never)]);
    expect(leases.map(({ member }) => member.number).sort()).toEqual([1, 2]);
    for (const lease of leases) lease.release();
    await pool[Symbol.asyncDispose]();
  });

  test('when no member can be started any more, whoever waits is told, and the next to ask makes it try again', async () => {
    const { pool, holdLaunches } = await poolOf(1);
    const failing = holdLaunches();
    const lease = await pool.acquire(never);
    lease.discard();
    lease.release();
    const waiting = pool.acquire(never);
    failing.letGo(new Error('no memory'));
    await expect(waiting).rejects.toMatchObject({ failureClass: 'BrowserCrashed', message: 'no memory' });
    const working = holdLaunches();
    working.letGo();
    (await pool.acquire(never)).release();
    await pool[Symbol.asyncDispose]();
  });
});

describe('starting', () => {
  test('the pool serves from its first member on; who waits gets the next that becomes ready', async () => {
    const { launch, members, hold } = launches();
    const second = hold();
    const first = new Member(100);
    const pool = await BrowserPool.start({ slots: 2, recycleAfter: 9, launch, log: keptLog() }, first);
    expect(pool.ready).toBe(1);
    const lease = await pool.acquire(never);
    expect(lease.member).toBe(first);
    const waiting = pool.acquire(never);
    await turn();
    expect(members).toEqual([]);
    second.letGo();
    expect((await waiting).member).toBe(members[0]);
    await pool[Symbol.asyncDispose]();
  });

  test('a member that does not start is tried again while the others work, and the reason is in the log', async () => {
    const { launch, hold } = launches();
    const log = keptLog();
    const failing = hold();
    const pool = await BrowserPool.start({ slots: 2, recycleAfter: 9, retryMs: 1, launch, log }, new Member(100));
    failing.letGo(new Error('no memory'));
    await until('a word about it', () => log.lines.some(({ message }) => message === 'a browser did not start'));
    expect(pool.ready).toBe(1);
    hold().letGo();
    await until('both members', () => pool.ready === 2);
    await pool[Symbol.asyncDispose]();
  });

  test('a pool that can start none of its members is not one', async () => {
    const { launch, hold } = launches();
    hold().letGo(new Error('no memory'));
    const log = keptLog();
    const pool = BrowserPool.start({ slots: 2, recycleAfter: 9, retryMs: 1, launch, log });
    await expect(pool).rejects.toThrow('no memory');
    const tried = log.lines.length;
    await new Promise((done) => setTimeout(done, 50));
    expect(log.lines).toHaveLength(tried);
  });

  test('members that break before anybody used them are not started without end', async () => {
    const starts = launches();
    const launch = async (): Promise<Member> => {
      const member = await starts.launch();
      setImmediate(() => member.break());
      return member;
    };
    const pool = await BrowserPool.start(
      { slots: 2, recycleAfter: 9, retryMs: 60_000, launch, log: keptLog() },
      new Member(100),
    );
    await until('the second try', () => starts.begun === 2);
    for (let turns = 0; turns < 100; turns++) await turn();
    expect(starts.begun).toBe(2);
    await pool[Symbol.asyncDispose]();
  });
});

describe('memory', () => {
  test('a member that has grown is replaced after its render, by one that was warm before it went', async () => {
    const { pool, members, holdLaunches } = await poolOf(1, { recycleAboveBytes: 1_000 });
    const successor = holdLaunches();
    const lease = await pool.acquire(never);
    const [first] = members;
    if (first !== undefined) first.bytes = 1_001;
    lease.release();
    (await pool.acquire(never)).release();
    expect(first?.isClosed).toBe(false);
    successor.letGo();
    await until('the end of the first', () => first?.isClosed === true);
    const next = await pool.acquire(never);
    expect(next.member.number).toBe(1);
    next.release();
    await pool[Symbol.asyncDispose]();
  });

  test('the successor of a member that grows during a long render is warmed meanwhile', async () => {
    const { pool, members } = await poolOf(1, { recycleAboveBytes: 1_000 });
    const lease = await pool.acquire(never);
    const [first] = members;
    if (first !== undefined) first.bytes = 1_001;
    await until('the successor', () => members.length === 2);
    expect(first?.isClosed).toBe(false);
    lease.release();
    expect(first?.isClosed).toBe(true);
    await pool[Symbol.asyncDispose]();
  });

  test('a member that grows to twice the limit is ended in the middle of its render, with a sentence about memory', async () => {
    const { pool, members } = await poolOf(1, { recycleAboveBytes: 1024 ** 3 });
    const lease = await pool.acquire(never);
    const [first] = members;
    if (first !== undefined) first.bytes = 2 * 1024 ** 3 + 1;
    await until('its end', () => lease.member.broken.aborted);
    expect(lease.member.broken.reason).toMatchObject({
      failureClass: 'BrowserCrashed',
      message: expect.stringMatching(/^Chromium held 2048 MiB of memory in the middle of a render and was ended/),
    });
    lease.release();
    expect((await pool.acquire(never)).member.number).toBeGreaterThan(0);
    await pool[Symbol.asyncDispose]();
  });
});

describe('draining', () => {
  test('those who have a member or wait for one are served, whoever comes later is refused', async () => {
    const { pool } = await poolOf(1);
    const lease = await pool.acquire(never);
    const waiting = pool.acquire(never);
    let isDrained = false;
    const drained = pool.drain().then(() => {
      isDrained = true;
    });
    await expect(pool.acquire(never)).rejects.toMatchObject({ failureClass: 'WorkerLost' });
    lease.release();
    const last = await waiting;
    await turn();
    expect(isDrained).toBe(false);
    last.release();
    await drained;
    await pool[Symbol.asyncDispose]();
  });

  test('no successor is started for nobody', async () => {
    const { pool, starts } = await poolOf(1, { recycleAfter: 1 });
    const lease = await pool.acquire(never);
    const drained = pool.drain();
    lease.discard();
    lease.release();
    await drained;
    expect(starts.begun).toBe(1);
    await pool[Symbol.asyncDispose]();
  });

  test('one who waits is served although the only member breaks meanwhile', async () => {
    const { pool } = await poolOf(1);
    const lease = await pool.acquire(never);
    const waiting = pool.acquire(never);
    const drained = pool.drain();
    lease.discard();
    lease.release();
    (await waiting).release();
    await drained;
    await pool[Symbol.asyncDispose]();
  });
});
