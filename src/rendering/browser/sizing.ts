/** How many browsers a machine, or the share of it that a container has, can keep busy. */

import { availableParallelism, totalmem } from 'node:os';
import { join } from 'node:path';
import { textOf } from './process-tree.ts';

export interface MachineSize {
  /** Processors that may be used at the same time; at least 1. */
  readonly cores: number;
  readonly memoryBytes: number;
}

const MiB = 1024 * 1024;
/** One slot at 1080p: Chromium with its display 250–300 MiB, ffmpeg 120, the finished video and frames under way. */
export const SLOT_BYTES = 430 * MiB;
/** The worker itself, Temporal's client in it, and a successor that is warmed beside the one it replaces. */
export const SHARED_BYTES = 700 * MiB;

/** Browsers to run: one per core as far as memory goes, and at least one. */
export const slotsFor = ({ cores, memoryBytes }: MachineSize): number =>
  Math.max(1, Math.min(cores, Math.floor((memoryBytes - SHARED_BYTES) / SLOT_BYTES)));

/** This machine, or what its container and its processor affinity leave of it. */
export function machineSize(): MachineSize {
  // Node answers with a number beyond all memory where nothing limits it, and with 0 where it cannot know.
  const limit = process.constrainedMemory();
  return {
    cores: Math.max(1, Math.min(availableParallelism(), Math.floor(processorQuota()))),
    memoryBytes: Math.min(totalmem(), limit > 0 ? limit : Number.POSITIVE_INFINITY),
  };
}

/**
 * Processors that the control groups of this process allow, the tightest of them; Infinity when none limits it. Version 2:
 * `cpu.max` is "quota period" or "max period"; version 1: `cpu.cfs_quota_us` (-1: none) and `cpu.cfs_period_us`.
 */
export function processorQuota(controlGroups = '/sys/fs/cgroup', ownGroups = textOf('/proc/self/cgroup')): number {
  const quotas = ownGroups.split('\n').flatMap((line) => {
    const [, controllers = '', path = ''] = line.split(':');
    if (controllers === '' && path !== '') {
      return ancestors(path).map((group) => quotaOf(...fieldsOf(join(controlGroups, group, 'cpu.max'))));
    }
    if (!controllers.split(',').includes('cpu')) return [];
    return ancestors(path).map((group) => {
      const folder = join(controlGroups, controllers, group);
      const [quota] = fieldsOf(join(folder, 'cpu.cfs_quota_us'));
      return quotaOf(quota, fieldsOf(join(folder, 'cpu.cfs_period_us'))[0]);
    });
  });
  return Math.min(Number.POSITIVE_INFINITY, ...quotas);
}

/** `/`, `/a` and `/a/b` for `/a/b`: each of them may set a limit. A container often sees its own group as the root. */
function ancestors(path: string): string[] {
  const parts = path.split('/').filter((part) => part !== '');
  return ['/', ...parts.map((_, index) => `/${parts.slice(0, index + 1).join('/')}`)];
}

const fieldsOf = (file: string): string[] => textOf(file).trim().split(' ');

function quotaOf(quota?: string, period?: string): number {
  const processors = Number(quota) / Number(period);
  return Number.isFinite(processors) && processors > 0 ? processors : Number.POSITIVE_INFINITY;
}
