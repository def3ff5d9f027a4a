/** What a `nightreel` process says to its caller when it ends: a shell, or the supervisor of a worker. */
export const EXIT = { ok: 0, unexpected: 1, badInput: 2, environment: 3, failedVariants: 4, interrupted: 130 } as const;
