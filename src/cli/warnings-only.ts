/** A log for commands that people watch: what they must know goes to stderr, nothing else. */

const say = (details: object, message: string): void => {
  const more = Object.keys(details).length === 0 ? '' : ` ${JSON.stringify(details)}`;
  process.stderr.write(`nightreel: ${message}${more}\n`);
};
const silent = (): void => undefined;

export const warningsOnly = { debug: silent, info: silent, warn: say, error: say };
