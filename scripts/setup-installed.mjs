// Part of setup.sh: ends with 0 when node_modules holds what package-lock.json names, by npm's own record of it.
import { readFileSync } from 'node:fs';

const packagesOf = (file) => JSON.parse(readFileSync(file, 'utf8')).packages;
const wanted = packagesOf('package-lock.json');
const installed = packagesOf('node_modules/.package-lock.json');
const same = (path) => wanted[path]?.integrity === installed[path]?.integrity;
const complete = Object.keys(wanted).every((path) => path === '' || path in installed || wanted[path].optional);
process.exit(complete && Object.keys(installed).every(same) ? 0 : 1);
