/**
 * Whether manifests for Nightreel are sound: `npm run check:kubernetes -- deploy/kubernetes/overlays/mine`. Prints a sentence for what is not,
 * and ends with exit code 2 then.
 */

import { EXIT } from '../src/contracts/exit-codes.ts';
import { build } from './kubernetes/manifests.ts';
import { faultsOf } from './kubernetes/rules.ts';

const folders = process.argv.slice(2);
if (folders.length === 0) throw new Error('Name the folder of a kustomization.');
for (const folder of folders) {
  const manifests = await build(folder);
  const faults = faultsOf(manifests);
  for (const fault of faults) console.error(`${folder}: ${fault}`);
  if (faults.length > 0) process.exitCode = EXIT.badInput;
  else console.log(`${folder}: ${manifests.length} objects, nothing wrong with them.`);
}
