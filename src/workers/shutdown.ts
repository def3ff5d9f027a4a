/** At least the p95 of a render: a deploy lets what is being rendered finish. */
export const SHUTDOWN_GRACE = '60 seconds';
/** Then what still runs is left to a retry on another worker. Whoever kills a process (deploy/) waits for longer. */
export const SHUTDOWN_FORCE = '75 seconds';
