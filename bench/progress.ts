/** How far a bench is: a bar on a terminal, a line for each step elsewhere. */

import cliProgress from 'cli-progress';

export interface Progress {
  /** How many steps there will be. */
  expect(steps: number): void;
  /** The next step begins; what it is, in a few words. */
  step(what: string): void;
  /** Something to know that stays on the screen: a warning, a finding. */
  note(text: string): void;
}

export interface ProgressDisplay extends Progress, Disposable {}

export function createProgress(stream: NodeJS.WriteStream): ProgressDisplay {
  return stream.isTTY ? bar(stream) : lines(stream);
}

function lines(stream: NodeJS.WritableStream): ProgressDisplay {
  let [total, done] = [0, 0];
  return {
    expect: (steps) => {
      total = steps;
    },
    step: (what) => {
      done += 1;
      stream.write(`${done}${total > 0 ? ` of ${total}` : ''}: ${what}\n`);
    },
    note: (text) => void stream.write(`${text}\n`),
    [Symbol.dispose]: () => undefined,
  };
}

function bar(stream: NodeJS.WriteStream): ProgressDisplay {
  const shown = new cliProgress.SingleBar(
    { stream, format: '{bar} {value}/{total} | {what}', hideCursor: true, clearOnComplete: true },
    cliProgress.Presets.shades_classic,
  );
  let [total, done] = [0, 0];
  return {
    expect: (steps) => {
      total = steps;
      shown.start(total, 0, { what: '' });
    },
    step: (what) => {
      shown.update(done, { what });
      done += 1;
    },
    note: (text) => {
      shown.stop();
      stream.write(`${text}\n`);
      if (total > 0) shown.start(total, done, { what: '' });
    },
    [Symbol.dispose]: () => shown.stop(),
  };
}
