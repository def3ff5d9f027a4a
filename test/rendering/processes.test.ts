import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { profileRoot } from '../../src/rendering/browser/profiles.ts';
import { descendantsOf, fixture, isAlive, ROOT, render, startRenderer, until } from './support.ts';

const profiles = async (): Promise<string[]> => await readdir(profileRoot());
const chromiumsOf = (pid: number): number[] =>
  [...descendantsOf(pid)].filter(([, command]) => command.includes('chrom')).map(([child]) => child);

test('closing a renderer leaves no process and no profile, even while it renders', async () => {
  const tiny = await fixture('tiny');
  const before = { profiles: await profiles().catch((): string[] => []), processes: chromiumsOf(process.pid) };
  const renderer = await startRenderer(tiny, { slots: 2 });
  expect(chromiumsOf(process.pid).length).toBeGreaterThan(before.processes.length);
  const { promise: isUnderWay, resolve } = Promise.withResolvers<void>();
  const interrupted = render(renderer, tiny, { onProgress: ({ frame }) => frame === 5 && resolve() });
  const outcome = expect(interrupted).rejects.toMatchObject({ failureClass: 'Cancelled' });
  await isUnderWay;
  await renderer[Symbol.asyncDispose]();
  await outcome;
  expect([...descendantsOf(process.pid).values()].filter((command) => /chrom|ffmpeg/.test(command))).toEqual([]);
  expect((await profiles()).filter((name) => !before.profiles.includes(name))).toEqual([]);
});

test('when the process is killed, its browsers and encoders end, and the next start removes their profiles', async () => {
  const out = join(tmpdir(), `nightreel-killed-${process.pid}.mp4`);
  const child = spawn(
    join(ROOT, 'bin/nightreel'),
    ['render', join(ROOT, 'test/fixtures/templates/tiny'), '--out', out, '--rendition', 'web-1080p'],
    { stdio: 'ignore' },
  );
  const pid = child.pid ?? 0;
  await until('an encoder of the child', () =>
    [...descendantsOf(pid).values()].some((command) => command.includes('image2pipe')),
  );
  const orphans = [...descendantsOf(pid).keys()];
  const left = (await profiles()).filter((name) => name.includes(`-${pid}-`));
  expect(left).toHaveLength(1);
  child.kill('SIGKILL');
  await once(child, 'exit');
  await until('the end of every orphan', () => !orphans.some(isAlive), 10_000);

  await using _next = await startRenderer(await fixture('tiny'));
  expect((await profiles()).filter((name) => left.includes(name))).toEqual([]);
});

test('a browser is replaced after its share of renders, by one that was warm before it went', async () => {
  const tiny = await fixture('tiny');
  await using renderer = await startRenderer(tiny, { recycleAfter: 2 });
  const mains = (): number[] =>
    [...descendantsOf(process.pid)]
      .filter(([, command]) => command.includes('--headless') && !command.includes('--type='))
      .map(([pid]) => pid);
  const first = mains();
  let atMost = 0;
  const count = (): void => {
    atMost = Math.max(atMost, mains().length);
  };
  // The old one goes on while its successor starts: renders never wait for that.
  while (atMost <= first.length) await render(renderer, tiny, { onProgress: count });
  while (first.some(isAlive)) await render(renderer, tiny);
  expect(mains()).toHaveLength(first.length);
});
