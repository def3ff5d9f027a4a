import { processesOfGroup } from './process-tree.ts';

/** It is there soon after the browser; one that died before it was known would be taken for the one after it. */
const FIND_MS = 100;
const LOOK_MS = 1_000;

/**
 * Calls `told` when the process that draws a browser's windows (its "GPU process", also without a GPU) has ended. Chromium
 * starts another, but a window on a display then shows no frame any more, and nothing in DevTools says so. Returns how to stop.
 */
export function onEndOfDrawing(group: number, told: () => void): () => void {
  let pid: number | null = null;
  let timer: NodeJS.Timeout;
  const look = (): void => {
    pid ??= findDrawing(group);
    if (pid !== null && !isThere(pid)) {
      told();
      return;
    }
    timer = setTimeout(look, pid === null ? FIND_MS : LOOK_MS);
    timer.unref();
  };
  look();
  return () => clearTimeout(timer);
}

const findDrawing = (group: number): number | null =>
  processesOfGroup(group).find(({ commandLine }) => commandLine().includes('--type=gpu-process'))?.pid ?? null;

function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
