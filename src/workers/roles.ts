import type { TaskQueue } from '../contracts/task-queues.ts';

/** What a worker process may do: each role serves the task queue of its name. */
export const ROLES = [
  'orchestrator',
  'warehouse',
  'render',
  'assemble',
  'storage',
] as const satisfies readonly TaskQueue[];
export type Role = (typeof ROLES)[number];

export const isRole = (value: string): value is Role => (ROLES as readonly string[]).includes(value);
