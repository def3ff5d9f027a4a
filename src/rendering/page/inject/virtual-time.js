// Runs before anything else in every frame of a page: time stands still and moves only when the engine says so. Date,
// performance.now, requestAnimationFrame and Math.random become functions of the frame that is being drawn.
(() => {
  if (window.__HF_VIRTUAL_TIME__) return;

  const RealDate = window.Date;
  const SEED = 0x6e724c;
  let nowMs = 0;
  let randomState = SEED;
  let lastHandle = 0;
  let scheduled = [];
  let running = [];

  const real = { originalNow: performance.now.bind(performance) };
  for (const name of [
    'setTimeout',
    'clearTimeout',
    'setInterval',
    'clearInterval',
    'requestAnimationFrame',
    'cancelAnimationFrame',
  ]) {
    real[`original${name[0].toUpperCase()}${name.slice(1)}`] = window[name].bind(window);
  }

  function VirtualDate(...parts) {
    if (!new.target) return new RealDate(nowMs).toString();
    const date = parts.length > 0 ? new RealDate(...parts) : new RealDate(nowMs);
    Object.setPrototypeOf(date, VirtualDate.prototype);
    return date;
  }
  VirtualDate.prototype = RealDate.prototype;
  Object.setPrototypeOf(VirtualDate, RealDate);
  VirtualDate.now = () => nowMs;
  VirtualDate.parse = RealDate.parse;
  VirtualDate.UTC = RealDate.UTC;
  Object.defineProperty(window, 'Date', { configurable: true, writable: true, value: VirtualDate });
  Object.defineProperty(window.performance, 'now', { configurable: true, value: () => nowMs });

  window.requestAnimationFrame = (callback) => {
    if (typeof callback !== 'function') throw new TypeError('requestAnimationFrame needs a function');
    lastHandle += 1;
    scheduled.push({ handle: lastHandle, callback, isCancelled: false });
    return lastHandle;
  };
  window.cancelAnimationFrame = (handle) => {
    for (const entry of [...scheduled, ...running]) if (entry.handle === handle) entry.isCancelled = true;
  };

  // mulberry32: small, and the same on every machine.
  Math.random = () => {
    randomState = (randomState + 0x6d2b79f5) | 0;
    let t = Math.imul(randomState ^ (randomState >>> 15), 1 | randomState);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };

  window.__HF_VIRTUAL_TIME__ = {
    ...real,
    getTime: () => nowMs,
    /** Moves the clock without running anything. */
    setTime(ms) {
      nowMs = Math.max(0, Number(ms) || 0);
    },
    /** Moves the clock and runs the animation frame callbacks that wait; those they schedule run the next time. */
    seekToTime(ms) {
      this.setTime(ms);
      running = scheduled;
      scheduled = [];
      try {
        while (running.length > 0) {
          const entry = running.shift();
          if (!entry.isCancelled) entry.callback(nowMs);
        }
      } finally {
        scheduled = [...running, ...scheduled];
        running = [];
      }
      return nowMs;
    },
    /** Puts Math.random back to the start of its sequence. */
    reseed() {
      randomState = SEED;
    },
  };
})();
