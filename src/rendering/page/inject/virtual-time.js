// Runs before anything else in every frame of a page: time stands still and moves only when the engine says so. Date,
// Temporal.Now, performance.now, requestAnimationFrame, Math.random and crypto's random values become functions of the
// frame that is being drawn.
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
  const replace = (owner, name, value) =>
    Object.defineProperty(owner, name, { configurable: true, writable: true, value });

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
  RealDate.prototype.constructor = VirtualDate;
  replace(window, 'Date', VirtualDate);
  replace(window.performance, 'now', () => nowMs);
  // Of files that are served from memory: the time at which they were asked for.
  Object.defineProperty(Document.prototype, 'lastModified', { configurable: true, get: () => '01/01/1970 00:00:00' });

  if (window.Temporal?.Now) {
    const { Instant, Now } = window.Temporal;
    const instant = () => Instant.fromEpochMilliseconds(Math.floor(nowMs));
    const zoned = (zone = Now.timeZoneId()) => instant().toZonedDateTimeISO(zone);
    replace(Now, 'instant', instant);
    replace(Now, 'zonedDateTimeISO', zoned);
    for (const type of ['PlainDateTime', 'PlainDate', 'PlainTime']) {
      replace(Now, `p${type.slice(1)}ISO`, (zone) => zoned(zone)[`to${type}`]());
    }
  }

  // Without a date these two format the present.
  const formats = Intl.DateTimeFormat.prototype;
  const formatOf = Object.getOwnPropertyDescriptor(formats, 'format').get;
  Object.defineProperty(formats, 'format', {
    configurable: true,
    get() {
      const format = formatOf.call(this);
      return (date = nowMs) => format(date);
    },
  });
  const { formatToParts } = formats;
  replace(formats, 'formatToParts', function (date = nowMs) {
    return formatToParts.call(this, date);
  });

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
  const random32 = () => {
    randomState = (randomState + 0x6d2b79f5) | 0;
    let t = Math.imul(randomState ^ (randomState >>> 15), 1 | randomState);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return (t ^ (t >>> 14)) >>> 0;
  };
  Math.random = () => random32() / 4294967296;
  const { getRandomValues } = Crypto.prototype;
  replace(Crypto.prototype, 'getRandomValues', function (array) {
    // The real one refuses what is no array of integers, or too long.
    getRandomValues.call(this, array);
    const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
    for (let at = 0; at < bytes.length; at++) bytes[at] = random32();
    return array;
  });
  replace(Crypto.prototype, 'randomUUID', () => {
    const digits = Array.from({ length: 32 }, () => (random32() >>> 28).toString(16));
    digits[12] = '4';
    digits[16] = '89ab'[random32() >>> 30];
    return [0, 8, 12, 16, 20].map((from, at) => digits.slice(from, [8, 12, 16, 20, 32][at]).join('')).join('-');
  });

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
    /** Puts Math.random to the start of the sequence of a moment: what a frame draws does not hang on the frames before it. */
    reseed(ms = 0) {
      randomState = SEED ^ Math.imul(Math.round(ms * 1000), 0x9e3779b1);
    },
  };
})();
