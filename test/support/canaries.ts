/** What is said to Temporal and must not be found in its database, by the place where it is said. */

const word = (place: string): string => `canary-${place}-7f3e91c2`;

export const CANARIES = {
  argument: word('argument'),
  result: word('result'),
  message: word('message'),
  detail: word('detail'),
  stack: word('stack'),
  heartbeat: word('heartbeat'),
  memo: word('memo'),
  summary: word('summary'),
  details: word('details'),
  signal: word('signal'),
  update: word('update'),
  schedule: word('schedule'),
} as const;

export const CANARY_SLOTS = 3;
