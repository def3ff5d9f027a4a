import { hostname } from 'node:os';

/** This process, among all that serve activities: as Temporal names it, too. */
export const THIS_WORKER = {
  host: hostname(),
  pid: process.pid,
  identity: `${process.pid}@${hostname()}`,
} as const;
