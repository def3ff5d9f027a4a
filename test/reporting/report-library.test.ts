import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from '@jest/globals';

const ROOT = join(import.meta.dirname, '../..');

/** Prints how many modules of Vega a worker has loaded, and how many once a report was drawn. */
const COUNT = `
import { registerHooks } from 'node:module';
let loaded = 0;
registerHooks({ load(url, context, next) { if (/node_modules.(vega|d3)/.test(url)) loaded += 1; return next(url, context); } });
await import('${ROOT}/src/workers/worker-process.ts');
process.stdout.write(loaded + ' ');
const { drawPlots } = await import('${ROOT}/src/reporting/plots.ts');
await drawPlots({ renderMs: { histogram: [] }, stages: { stages: [] }, throughput: { bins: [] }, nights: [], summary: {} });
process.stdout.write(String(loaded));
`;

test('a worker starts without what plots are drawn with, which the first report loads', async () => {
  const args = ['scripts/node.sh', '--input-type=module', '--eval', COUNT];
  const { stdout } = await promisify(execFile)('bash', args, { cwd: ROOT });
  const [atStart, afterwards] = stdout.split(' ').map(Number);
  expect(atStart).toBe(0);
  expect(afterwards).toBeGreaterThan(50);
});
