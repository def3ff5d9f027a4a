/** The bench of a night in which nothing is rendered: its figures are counted by it, not by the workflows. */

import { expect, test } from '@jest/globals';
import { lastJson, TestHome } from '../support/nightreel.ts';

test('`bench orchestration` plays a night and finds nobody lost and nobody twice', async () => {
  const home = await TestHome.create();
  const { code, stdout, stderr } = await home.run(['bench', 'orchestration', '--variants', '120', '--json']);
  expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' });
  const figures = lastJson(stdout);
  expect(figures).toMatchObject({ variants: 120, duplicates: 0, lost: 0 });
  for (const name of ['variantsPerSecond', 'eventsPerVariant', 'maxLaneEvents', 'cpuMsPerVariant', 'maxWorkerRssMb']) {
    expect(figures[name]).toBeGreaterThan(0);
  }
  // Some 120 / 4 children of 6 events each, and what the lane does besides.
  expect(figures['maxLaneEvents']).toBeLessThan(500);
  await home.end();
}, 180_000);
