// Runs in every frame of a page, after virtual-time.js. Timers know no virtual time: one that fires between two frames
// would draw at a moment that nobody can repeat. They run while a page loads and takes params, and are held while frames
// are drawn; those of one recipient end with that recipient.
(() => {
  if (window.__nightreelTimers) return;

  const time = window.__HF_VIRTUAL_TIME__;
  /** By the browser's own handle. */
  const waiting = new Map();
  /** Due while held. */
  const due = new Set();
  /** 0 while the page loads; then one more with every recipient. */
  let generation = 0;
  /** Of the timer that is running: what it starts is as old as itself. */
  let inherited = null;
  let isHeld = false;
  let report = () => undefined;

  const run = (entry) => {
    const before = inherited;
    inherited = entry.generation;
    try {
      entry.callback.apply(window, entry.args);
    } finally {
      inherited = before;
    }
  };
  const fire = (entry) => {
    if (!entry.repeats) waiting.delete(entry.handle);
    if (!isHeld) {
      run(entry);
      return;
    }
    report(entry.origin);
    // A frame must not start what a later recipient would see the end of.
    if (entry.isOfLoad && !entry.repeats) due.add(entry);
  };
  const start =
    (schedule, repeats) =>
    (callback, delay, ...args) => {
      if (typeof callback !== 'function') return schedule(callback, delay, ...args);
      const of = inherited ?? generation;
      const entry = { callback, args, repeats, generation: of, isOfLoad: of === 0 && !isHeld, origin: new Error() };
      entry.handle = schedule(() => fire(entry), delay);
      waiting.set(entry.handle, entry);
      return entry.handle;
    };
  const stop = (clear) => (handle) => {
    const entry = waiting.get(handle);
    waiting.delete(handle);
    for (const one of due) if (one.handle === handle) due.delete(one);
    clear(entry?.handle ?? handle);
  };
  window.setTimeout = start(time.originalSetTimeout, false);
  window.setInterval = start(time.originalSetInterval, true);
  window.clearTimeout = stop(time.originalClearTimeout);
  window.clearInterval = stop(time.originalClearInterval);
  window.requestIdleCallback = (callback) =>
    window.setTimeout(() => callback({ didTimeout: false, timeRemaining: () => 50 }), 1);
  window.cancelIdleCallback = window.clearTimeout;

  window.__nightreelTimers = {
    /** From now on no timer fires; `onDue` gets an error from where each that would have was set. */
    hold(onDue) {
      isHeld = true;
      report = onDue;
    },
    /** A new recipient: timers fire again, but those that were set for the one before. */
    release() {
      isHeld = false;
      generation += 1;
      for (const [handle, entry] of waiting) {
        if (entry.isOfLoad) continue;
        time.originalClearTimeout(handle);
        waiting.delete(handle);
      }
      const late = [...due];
      due.clear();
      for (const entry of late) {
        entry.handle = time.originalSetTimeout(() => fire(entry), 0);
        waiting.set(entry.handle, entry);
      }
    },
  };
})();
