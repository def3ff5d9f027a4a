/** Task queues: one per kind of resource, so that each is scaled and limited by itself. */
export const TASK_QUEUES = {
  orchestrator: 'orchestrator',
  warehouse: 'warehouse',
  render: 'render',
  assemble: 'assemble',
  storage: 'storage',
} as const;

export type TaskQueue = (typeof TASK_QUEUES)[keyof typeof TASK_QUEUES];
