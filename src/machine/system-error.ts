/** The code of a system error, such as EADDRINUSE; undefined where there is none. To Jest, what Node.js throws is no instance of Error. */
export const codeOf = (error: unknown): unknown =>
  typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
