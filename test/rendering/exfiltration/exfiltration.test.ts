/** A template that tries every way out which we know reaches nobody, over every capture route. docs/isolation.md */

import { beforeAll, describe, expect, test } from '@jest/globals';
import { CAPTURE_ROUTES } from '../../../src/rendering/browser/flags.ts';
import { findSandbox } from '../../../src/rendering/browser/sandbox.ts';
import { type BareResult, type GuardedResult, hasOwnNetwork, run } from './network.ts';

const LIMIT_MS = 240_000;
const guarded = new Map<string, GuardedResult>();

beforeAll(async () => {
  // Most of it is waiting: for what may still come.
  const results = await Promise.all(CAPTURE_ROUTES.map((route) => run<GuardedResult>(['guarded', route])));
  for (const [at, route] of CAPTURE_ROUTES.entries()) guarded.set(route, results[at] as GuardedResult);
}, LIMIT_MS);

describe.each(CAPTURE_ROUTES)('over %s', (route) => {
  test('nothing is reached, and not a single packet is sent', () => {
    const { reached, packets, attempts = {} } = guarded.get(route) ?? {};
    expect({ reached, packets }).toEqual({ reached: [], packets: 0 });
    // It did try.
    for (const when of ['load', 'later'] as const) {
      expect(Object.keys(attempts[when] ?? {}).length).toBeGreaterThan(100);
      expect(attempts[when]).toMatchObject({
        fetch: 'TypeError: Failed to fetch',
        image: 'error',
        'worker-fetch': '0',
        'frame-location': 'load',
        'address-v6': 'TypeError: Failed to fetch',
      });
    }
  });

  test('a render of it is refused, and the next one has the same bytes as the one before', () => {
    expect(guarded.get(route)?.rendered).toMatchObject({
      failure: {
        failureClass: 'NetworkForbidden',
        message: expect.stringMatching(
          /^Template 'exfiltration' asks for something at http:\/\/127\.1\.\d+\.\d+:\d+\./,
        ),
      },
      isSameAfterwards: true,
    });
  });

  test('a page that goes elsewhere, with the stage or alone, is back for the next one', () => {
    expect(guarded.get(route)?.leaves).toEqual(['open', 'open', 'open']);
  });

  test('it reads no file but its own, saves none, and is granted nothing', () => {
    const { reads = {}, asks = {}, downloads } = guarded.get(route) ?? {};
    for (const said of Object.values(reads))
      expect(said).toMatch(/^(TypeError: Failed to fetch|nothing|SecurityError)/);
    expect(Object.keys(reads).length).toBeGreaterThan(20);
    expect(Object.entries(asks).filter(([, said]) => said === 'GRANTED' || said === 'no answer')).toEqual([]);
    expect(Object.keys(asks).length).toBeGreaterThan(15);
    expect(downloads).toEqual([]);
  });

  test("no program has anything of the worker's environment, and pages are sandboxed where the kernel allows it", async () => {
    const { rendered, sandboxed } = guarded.get(route) ?? {};
    expect(rendered?.knowing).toEqual([]);
    const own = [...(route === 'xvfb' ? ['Xvfb'] : []), expect.stringMatching(/chrom/), 'ffmpeg'];
    expect(rendered?.programs).toEqual(expect.arrayContaining(own));
    const { whyOff } = await findSandbox();
    expect(new Set(sandboxed)).toEqual(new Set([whyOff === null]));
  });
});

describe('all of this could be seen', () => {
  test.each(['shell', 'full'] as const)(
    'as a bare Chromium (%s) is found to be reached from',
    async (kind) => {
      const { reached, attempts } = await run<BareResult>(['bare', kind]);
      expect(REACHED.filter((way) => !reached.includes(way))).toEqual([]);
      if (hasOwnNetwork) expect(REACHED_ALONE.filter((way) => !reached.includes(way))).toEqual([]);
      expect(Object.keys(attempts.later ?? {}).length).toBeGreaterThan(100);
    },
    LIMIT_MS,
  );

  test(
    'as an engine without its rule for WebRTC is',
    async () => {
      const flags = ['--webrtc-ip-handling-policy', '--force-webrtc-ip-handling-policy'];
      const { reached, packets } = await run<GuardedResult>(['guarded', 'begin-frame', ...flags]);
      expect(reached).toEqual(expect.arrayContaining(['rtc-stun', 'rtc-turn-udp']));
      expect(packets > 0).toBe(hasOwnNetwork);
    },
    LIMIT_MS,
  );
});

test(
  'nothing is reached from the preview',
  async () => {
    const { reached, attempts } = await run<BareResult>(['preview']);
    expect(reached).toEqual([]);
    expect(Object.keys(attempts.later ?? {}).length).toBeGreaterThan(100);
  },
  LIMIT_MS,
);

/** Of what a page tries, what reaches somebody where nothing of ours is in the way. */
const REACHED = ['fetch'];
const REACHED_ALONE = ['name name.exfil.test'];
