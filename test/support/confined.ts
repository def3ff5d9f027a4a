/** A process as it is in a container of docker-compose.yml: as the image's user, without capabilities, on a read-only file system. */

import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

const AS_USER = [
  ...['setpriv', '--reuid=1000', '--regid=1000', '--clear-groups'],
  ...['--bounding-set=-all', '--inh-caps=-all', '--no-new-privs'],
];

/** What Compose is told by `read_only` and `tmpfs`; $1 is the folder of the image. */
const READ_ONLY = [
  'mount --bind /tmp /tmp',
  'mount --bind "$1" "$1"',
  'mount -o remount,bind,ro "$1"',
  'mount -t tmpfs -o mode=1777 tmpfs "$1/.nightreel"',
  'mount -o remount,bind,ro /',
  'shift',
  'exec "$@"',
].join('\n');

/** Root may, where that user can read this repository: in a container it can; here it may lie in somebody's home. */
export const canConfine = (repository: string): boolean =>
  process.getuid?.() === 0 &&
  [
    ['ls', join(repository, 'node_modules/.bin')],
    [process.execPath, '--version'],
  ].every((command) => spawnSync('setpriv', [...AS_USER.slice(1), ...command], { stdio: 'ignore' }).status === 0);

export const confined = (image: string, command: readonly string[]): [string, ...string[]] => [
  ...(['unshare', '--mount', 'sh', '-euc'] as const),
  ...[READ_ONLY, 'sh', image, ...AS_USER, ...command],
];
