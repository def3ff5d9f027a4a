/** The bench of a night in which nothing is rendered: its figures are counted by it, not by the workflows. */

import { expect, test } from '@jest/globals';
import { lastJson, TestHome } from '../support/nightreel.ts';

test('a night of 1,700 variants loses nobody, makes none twice, and keeps every history of a lane short', async () => {
  const home = await TestHome.create();
  const { code, stdout, stderr } = await home.run(['bench', 'orchestration', '--variants', '1700', '--json']);
  expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' });
  const figures = lastJson(stdout);
  expect(figures).toMatchObject({ variants: 1700, duplicates: 0, lost: 0 });
  for (const name of ['variantsPerSecond', 'eventsPerVariant', 'cpuMsPerVariant', 'maxWorkerRssMb']) {
    expect(figures[name]).toBeGreaterThan(0);
  }
  // Four lanes of 425: each had one run of 400 children, the most that any has, however large the night.
  expect(figures['maxLaneEvents']).toBeGreaterThan(400 * 5);
  expect(figures['maxLaneEvents']).toBeLessThan(4096);
  expect(figures['maxLaneBytes']).toBeGreaterThan(100_000);
  expect(figures['maxLaneBytes']).toBeLessThan(4 * 1024 * 1024);
  await home.end();
}, 300_000);
