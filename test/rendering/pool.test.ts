import { describe, expect, test } from '@jest/globals';
import { BrowserPool, type PoolMember } from '../../src/rendering/browser/pool.ts';
import { keptLog, until } from './support.ts';

class Member implements PoolMember {
  readonly number: number;
  isClosed = false;
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
  async [Symbol.asyncDispose](): Promise<void> {
    this.isClosed = true;
  }
}

/** A pool whose members start when the test says so. */
async function poolOf(slots: number, recycleAfter = 100) {
  const members: Member[] = [];
  let gate = Promise.resolve();
  const launch = async (): Promise<Member> => {
    await gate;
    const member = new Member(members.length);
    members.push(member);
    return member;
  };
  const pool = await BrowserPool.start({ slots, recycleAfter, launch, log: keptLog() });
  const holdLaunches = (): { readonly letGo: (failure?: Error) => void } => {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    gate = promise;
    gate.catch(() => undefined);
    return { letGo: (failure) => (failure === undefined ? resolve() : reject(failure)) };
  };
  return { pool, members, holdLaunches };
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
    const { pool, members, holdLaunches } = await poolOf(1, 2);
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
    const { pool, members, holdLaunches } = await poolOf(1, 1);
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

test('a pool that cannot start one of its members keeps none', async () => {
  const started: Member[] = [];
  const launch = async (): Promise<Member> => {
    if (started.length === 1) throw new Error('no memory');
    const member = new Member(started.length);
    started.push(member);
    return member;
  };
  await expect(BrowserPool.start({ slots: 2, recycleAfter: 9, launch, log: keptLog() })).rejects.toThrow('no memory');
  expect(started.map(({ isClosed }) => isClosed)).toEqual([true]);
});
