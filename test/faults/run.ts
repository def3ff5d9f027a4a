/** `npm run test:faults`: a night of two hundred videos under each fault, one after the other. */

import { parseArgs } from 'node:util';
import { FAULTS } from './faults.ts';
import { run, type Verdict } from './night.ts';
import { complaintsOf } from './verdict.ts';

const HELP = `Usage: npm run test:faults -- [--json] [--only NAME,…] [--variants N]

Plays a night under each fault, on real servers, and counts what it left. Ends with 1 when anything was lost, made twice, left
half-made or left over, or failed by another class than it should. All of them take some three quarters of an hour.

  npm run test:faults -- --json
  npm run test:faults -- --only s3-503,browser-killed --variants 50

Faults: ${FAULTS.map(({ name }) => name).join(', ')}
`;

const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    only: { type: 'string' },
    variants: { type: 'string', default: '200' },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) {
  process.stdout.write(HELP);
  process.exit(0);
}
const only = values.only?.split(',');
const chosen = FAULTS.filter(({ name }) => only?.includes(name) ?? true);
const variants = Number(values.variants);
if (chosen.length === 0 || chosen.length < (only?.length ?? 0) || !(variants >= 10)) {
  process.stderr.write(HELP);
  process.exit(2);
}

const told = (verdict: Verdict): string =>
  values.json
    ? JSON.stringify(verdict)
    : Object.entries(verdict)
        .map(([name, value]) => `${name} ${value}`)
        .join(', ');

const interrupt = new AbortController();
process.once('SIGINT', () => interrupt.abort(new Error('interrupted')));
for (const fault of chosen) {
  const verdict = await run(fault, variants, interrupt.signal).catch((error: unknown) => {
    if (!interrupt.signal.aborted) throw error;
    process.exit(130);
  });
  process.stdout.write(`${told(verdict)}\n`);
  for (const complaint of complaintsOf(fault, verdict)) {
    process.stderr.write(`${fault.name}: ${complaint}\n`);
    process.exitCode = 1;
  }
}
