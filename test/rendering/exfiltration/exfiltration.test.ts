/** A template that tries every way out which we know reaches nobody, over every capture route. docs/isolation.md */

import { beforeAll, describe, expect, test } from '@jest/globals';
import { CAPTURE_ROUTES } from '../../../src/rendering/browser/flags.ts';
import { findSandbox } from '../../../src/rendering/browser/sandbox.ts';
import { type BareResult, type GuardedResult, hasOwnNetwork, run } from './network.ts';

/** Of what the page tries, what reaches somebody from any Chromium where nothing of ours is in the way. */
const REACHED = listOf(`
  address 0.0.0.0 | address ::1 | address [::ffff:7f00:1] | anchor | anchor-blank | anchor-download | anchor-ping | audio |
  base | beacon | css-background | css-border | css-clip | css-content | css-cursor | css-font | css-import | css-list |
  css-mask | css-shape | embed | eventsource | fetch | fetch-keepalive | fetch-post | fetch-secure | font-face | form-get |
  form-post | form-top | frame-location | frame-replace | iframe | iframe-blob | iframe-credentialless | iframe-data |
  iframe-data-fetch | iframe-javascript | iframe-made | iframe-sandboxed | iframe-sandboxed-fetch | iframe-secure | image |
  image-bitmap | image-secure | img | img-srcset | import | input-image | link-modulepreload | link-prefetch |
  link-preload | link-stylesheet | meta-refresh | object | object-made | picture | rtc-stun | rtc-turn-tcp | rtc-turn-udp |
  rtc-turns | script | script-made | script-module | service-worker | shared-worker | style-adopted | style-set |
  svg-filter | svg-foreign | svg-image | svg-script | table-background | video | video-poster | video-source | websocket |
  websocket-secure | websocket-stream | webtransport | window-open | window-open-blank | window-open-noopener |
  worker-eventsource | worker-fetch | worker-import | worker-module | worker-nested | worker-transport | worker-websocket |
  worker-xhr | worklet-audio | worklet-paint | xhr | xhr-sync
`);
/** The same, where the network is the test's own: names that are asked for, and ports of other services. */
const REACHED_ALONE = listOf(`
  address 127.0.0.1, port 7233 | address 127.0.0.1, port 8333 | address 127.0.0.1, port 9222 |
  address 169.254.169.254, port 80 | name intranet | name name-image.exfil.test | name name-socket.exfil.test |
  name name.exfil.test | name name.local | name name.rtc.exfil.test
`);

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
    // It did try, and most of it had come to an end when nothing was waited for any more.
    for (const when of ['load', 'later'] as const) {
      const outcomes = Object.values(attempts[when] ?? {});
      expect(outcomes.length).toBeGreaterThan(100);
      expect(outcomes.filter((said) => said !== 'no answer').length).toBeGreaterThan(outcomes.length / 2);
      expect(outcomes.filter((said) => said === 'TypeError: Failed to fetch').length).toBeGreaterThan(10);
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
      const wanted = [...REACHED, ...(hasOwnNetwork ? REACHED_ALONE : [])];
      const reached = new Set<string>();
      // On a busy machine some ways need longer than is waited for.
      for (let turn = 0; turn < 5 && !wanted.every((way) => reached.has(way)); turn++) {
        const once = await run<BareResult>(['bare', kind]);
        for (const way of once.reached) reached.add(way);
        expect(Object.keys(once.attempts.later ?? {}).length).toBeGreaterThan(100);
      }
      expect(wanted.filter((way) => !reached.has(way))).toEqual([]);
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

function listOf(text: string): string[] {
  return text.split('|').map((way) => way.trim());
}
