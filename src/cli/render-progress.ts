/** How far a render is: a bar on a terminal; a line at every quarter elsewhere. */

import cliProgress from 'cli-progress';

const PLAIN_PROGRESS_STEPS = 4;

export interface RenderProgress extends Disposable {
  update(frame: number): void;
}

export function createProgress(stream: NodeJS.WriteStream, total: number): RenderProgress {
  if (!stream.isTTY) {
    let quarter = 0;
    return {
      update(frame) {
        const reached = Math.floor((PLAIN_PROGRESS_STEPS * frame) / total);
        if (reached > quarter) stream.write(`${frame} of ${total} frames\n`);
        quarter = reached;
      },
      [Symbol.dispose]: () => undefined,
    };
  }
  const bar = new cliProgress.SingleBar(
    {
      stream,
      format: '{bar} {percentage}% | {value}/{total} frames | {eta_formatted} left',
      hideCursor: true,
      clearOnComplete: true,
    },
    cliProgress.Presets.shades_classic,
  );
  bar.start(total, 0);
  return { update: (frame) => bar.update(frame), [Symbol.dispose]: () => bar.stop() };
}
