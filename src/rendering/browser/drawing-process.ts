import { processesOfGroup } from './process-tree.ts';

const LOOK_MS = 1_000;

/**
 * Calls `told` when the process that draws a browser's windows (its "GPU process", also without a GPU) has ended. Chromium
 * starts another, but a window on a display then shows no frame any more, and nothing in DevTools says so. Returns how to stop.
 */
export function onEndOfDrawing(group: number, told: () => void): () => void {
  let pid: number | null = null;
  const look = (): void => {
    if (pid !== null && !isThere(pid)) {
      clearInterval(timer);
      told();
    } else {
      pid ??= findDrawing(group);
    }
  };
  const timer = setInterval(look, LOOK_MS);
  timer.unref();
  return () => clearInterval(timer);
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
