import { type Command, InvalidArgumentError } from 'commander';
import { CAPTURE_NAMES } from '../config/capture.ts';
import { machineSize, slotsFor } from '../rendering/browser/sizing.ts';
import type { CaptureChoice } from '../rendering/capture/probe.ts';
import { isRole, ROLES, type Role } from '../workers/roles.ts';
import { captureName, onOff, positiveInteger } from './arguments.ts';

interface ServeOptions {
  readonly workers: number;
  readonly roles: readonly Role[];
  readonly capture?: CaptureChoice;
  readonly uploadDirect?: boolean;
}

export function registerServe(program: Command): void {
  program
    .command('serve')
    .description('Start the Temporal workers of this machine and keep them running')
    .option(
      '--workers <count>',
      'browsers in the pool: variants rendered at the same time',
      positiveInteger,
      slotsFor(machineSize()),
    )
    .option('--roles <list>', `what this process does: ${ROLES.join(', ')}`, parseRoles, [...ROLES] as Role[])
    .option('--capture <route>', `${CAPTURE_NAMES.join(', ')}; default: NIGHTREEL_CAPTURE, else auto`, captureName)
    .option(
      '--upload-direct <on|off>',
      'off: from a temporary file, when all of it is made; default: NIGHTREEL_UPLOAD_DIRECT, else on',
      onOff,
    )
    .addHelpText(
      'after',
      `
Examples:
  nightreel serve                                   everything; a browser per core, as memory allows
  nightreel serve --workers 4 --roles render        a machine that only renders
  nightreel serve --roles orchestrator,warehouse,assemble,storage
  nightreel serve --capture begin-frame             without a virtual display, also where there is one

SIGTERM or Ctrl-C drains: renders in flight finish (up to 60 s), nothing new is taken.`,
    )
    .action(async (options: ServeOptions) => {
      const [{ loadSettings }, { readCapture }, { serve }, { onInterrupt }] = await Promise.all([
        import('../config/settings.ts'),
        import('../config/capture.ts'),
        import('../workers/serve.ts'),
        import('./interrupt.ts'),
      ]);
      const signal = onInterrupt('The worker was stopped.');
      const parentGone = new AbortController();
      process.on('disconnect', () => parentGone.abort());
      try {
        const either = AbortSignal.any([signal, parentGone.signal]);
        const settings = await loadSettings();
        const { capture = readCapture(), uploadDirect = settings.uploadDirect, ...rest } = options;
        await serve(settings, { ...rest, capture, uploadDirect }, either, () => process.send?.('ready'));
      } finally {
        // The channel to a supervisor would keep this process alive.
        if (process.connected) process.disconnect();
      }
    });
}

function parseRoles(text: string): Role[] {
  const roles = text.split(',').map((role) => role.trim());
  const unknown = roles.find((role) => !isRole(role));
  if (unknown !== undefined) throw new InvalidArgumentError(`'${unknown}' is not one of ${ROLES.join(', ')}.`);
  return roles.filter(isRole);
}
