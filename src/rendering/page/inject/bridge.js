// Runs in the frame that holds the template, after the HyperFrames runtime and before the page's own scripts. The engine talks to a template
// through `window.__nightreel` alone; every function answers with plain data, or throws what the template threw.
(() => {
  const time = window.__HF_VIRTUAL_TIME__;
  window.__hf = window.__hf ?? {};
  const hf = window.__hf;
  const POLL_MS = 4;
  /** Turns of the event loop that are taken without a pause: most pages are ready by then. */
  const QUICK_TURNS = 6;
  /** Of these the first ones without a virtual animation frame: for one, the runtime has the whole page styled, and most of what is awaited comes by itself. */
  const STILL_TURNS = 2;
  /** A page this many times as large as after its first recipient keeps something of each. */
  const GROWTH = 2;
  const GROWTH_SLACK = 500;

  // Out of the page's reach: what it says here is believed.
  const tell = window.__nightreelFound;
  delete window.__nightreelFound;
  let told = new Set();
  const found = (kind, error) => {
    if (told.has(kind)) return;
    told.add(kind);
    tell?.(JSON.stringify({ kind, stack: error?.stack }));
  };

  /** What the engine has put into each frame of the page that it can reach; a sandboxed one it cannot. */
  const everyFrame = (from = window) => {
    const parts = [];
    try {
      const { __HF_VIRTUAL_TIME__: clock, __nightreelTimers: timers } = from;
      const { __nightreelMotion: motion, __nightreelIsolation: isolation } = from;
      if (clock && timers && motion && isolation) parts.push({ clock, timers, motion, isolation });
    } catch {
      return parts;
    }
    for (let i = 0; i < from.frames.length; i++) parts.push(...everyFrame(from.frames[i]));
    return parts;
  };
  const authoredSeconds = () =>
    Number(document.querySelector('[data-composition-id]')?.getAttribute('data-duration')) || 0;

  // A template may bring its own `__hf`; this one stands for compositions whose timelines the runtime plays.
  const runtimeSeek = (seconds, options) => window.__player.renderSeek(seconds, options);
  Object.defineProperty(hf, 'duration', {
    configurable: true,
    enumerable: true,
    get() {
      const player = window.__player;
      if (!player?.renderSeek || !window.__renderReady || window.__hfTimelinesBuilding) return 0;
      return player.getDuration() || authoredSeconds();
    },
    set(value) {
      Object.defineProperty(hf, 'duration', { configurable: true, enumerable: true, writable: true, value });
    },
  });
  let seek = runtimeSeek;
  let isOwnSeek = false;
  Object.defineProperty(hf, 'seek', {
    enumerable: true,
    get: () => seek,
    set(value) {
      seek = value;
      // The runtime puts a wrapper around whatever is here, so marked.
      if (!value?.__hfPositionEditsSeekReapplyWrapped) isOwnSeek = true;
    },
  });

  const hasOwnSeek = () => typeof window.__hf?.seek === 'function' && (window.__hf !== hf || isOwnSeek);

  // The runtime swallows what a timeline throws and plays on; a video with a broken scene must not pass for a whole one.
  const MOVES = ['seek', 'time', 'totalTime', 'progress', 'totalProgress', 'render'];
  const guarded = new WeakSet();
  let thrown = null;
  const guardTimelines = () => {
    for (const timeline of Object.values(window.__timelines ?? {})) {
      if (timeline === null || typeof timeline !== 'object' || guarded.has(timeline)) continue;
      guarded.add(timeline);
      for (const move of MOVES) {
        const original = timeline[move];
        if (typeof original !== 'function') continue;
        timeline[move] = function (...args) {
          try {
            return original.apply(this, args);
          } catch (error) {
            thrown ??= { error };
            throw error;
          }
        };
      }
    }
  };
  /** Draws a moment, and throws what its timelines threw. */
  const draw = (seconds) => {
    guardTimelines();
    thrown = null;
    window.__hf.seek(seconds);
    if (thrown !== null) throw thrown.error;
  };

  const missingTimelines = () => {
    if (hasOwnSeek()) return [];
    const registered = window.__timelines ?? {};
    // One that no script registers will not come: its composition moves by CSS, or by a scene of its own.
    const isExpected = (id) => window.__nightreelTimelineIds?.includes(id) ?? true;
    return [...document.querySelectorAll('[data-composition-id]')]
      .filter((element) => !element.hasAttribute('data-no-timeline'))
      .map((element) => element.getAttribute('data-composition-id'))
      .filter((id) => !registered[id] && isExpected(id))
      .map((id) => ({ kind: 'timeline', name: `window.__timelines['${id}']` }));
  };

  const missingComposition = () => {
    if (window.__hf?.duration > 0 || hasOwnSeek()) return missingTimelines();
    if (window.__hfTimelinesBuilding) return [{ kind: 'timelinesBuilt' }];
    const timelines = missingTimelines();
    return timelines.length > 0 ? timelines : [{ kind: 'composition' }];
  };

  // Scenes drawn by a device of their own (three, WebGPU) may ask for more time; a picture before that shows the frame before.
  let unfinished = 0;
  window.addEventListener(
    'hf-seek',
    ({ detail }) => {
      if (typeof detail?.waitUntil !== 'function') return;
      const { waitUntil } = detail;
      detail.waitUntil = (work) => {
        unfinished += 1;
        const done = () => {
          unfinished -= 1;
        };
        Promise.resolve(work).then(done, done);
        waitUntil(work);
      };
    },
    true,
  );

  const unquoted = (family) => family.replace(/^(['"])(.*)\1$/, '$2').toLowerCase();
  const facesOf = (family) => [...document.fonts].filter((face) => unquoted(face.family) === family.toLowerCase());
  const coversWeight = (face, weight) => {
    const [from, to = from] = face.weight.split(' ').map((part) => ({ normal: 400, bold: 700 })[part] ?? Number(part));
    return weight >= from && weight <= to;
  };

  let wake = () => undefined;
  for (const event of ['hf-params-ready', 'hf-timelines-built', 'load'])
    window.addEventListener(event, () => wake(), true);
  document.fonts.addEventListener('loadingdone', () => wake());

  /** The next turn of the event loop, without a timer's four milliseconds, and before Chromium paints what is there by then. */
  const { scheduler } = window;
  const nextTurn = () => scheduler.postTask(() => undefined, { priority: 'user-blocking' });
  const pause = () =>
    new Promise((resolve) => {
      wake = resolve;
      time.originalSetTimeout(resolve, POLL_MS);
    });

  /** Waits until nothing is `pending()`, moving virtual animation frames along; what still is at the deadline. */
  const settle = async (pending, deadlineMs) => {
    for (let turn = 0; ; turn++) {
      const things = pending();
      if (things.length === 0 || time.originalNow() > deadlineMs) return things;
      await (turn < QUICK_TURNS ? nextTurn() : pause());
      if (turn < STILL_TURNS) continue;
      for (const { clock } of everyFrame()) clock.seekToTime(clock.getTime());
    }
  };

  const nameOf = (image) => String(image.getAttribute('src')?.slice(0, 80));
  /** Addresses of images that were decoded, by image: asked again they would wait for a frame to be drawn. */
  const decoded = new WeakMap();

  const loadAssets = async (fonts, deadlineMs) => {
    // Declared faces are loaded now, all of them: one that a later scene asks for first would appear a frame late.
    for (const { family } of fonts) {
      for (const face of facesOf(family)) if (face.status === 'unloaded') face.load().catch(() => undefined);
    }
    // Layout is what makes the others load, and a background picture.
    void document.documentElement.offsetHeight;
    const undecoded = new Set();
    const broken = [];
    for (const image of document.images) {
      const address = image.currentSrc;
      // A lazy one far away loads when a frame shows it, which is too late for that frame.
      if (image.loading === 'lazy') image.loading = 'eager';
      if ((address === '' && !image.getAttribute('src')) || decoded.get(image) === address) continue;
      undecoded.add(image);
      image
        .decode()
        .then(() => decoded.set(image, address))
        .catch(() => broken.push({ kind: 'image', name: nameOf(image) }))
        .finally(() => {
          undecoded.delete(image);
          wake();
        });
    }
    const left = await settle(
      () => [
        ...[...undecoded].map((image) => ({ kind: 'image', name: nameOf(image) })),
        ...[...document.fonts]
          .filter(({ status }) => status === 'loading')
          .map((face) => ({ kind: 'font', name: face.family })),
      ],
      deadlineMs,
    );
    return [...left, ...broken];
  };

  const missingFonts = (fonts) =>
    fonts.flatMap(({ family, weights }) =>
      weights
        .filter((weight) => {
          const faces = facesOf(family).filter((face) => coversWeight(face, weight));
          return faces.length === 0 || faces.some(({ status }) => status !== 'loaded');
        })
        .map((weight) => `${family} ${weight}`),
    );

  /** Faces whose file came and could not be read: their text would be set in another font. */
  const brokenFonts = () => [...document.fonts].filter(({ status }) => status === 'error').map(({ family }) => family);

  const context = () => ({ ownSeek: hasOwnSeek() });
  const elements = document.getElementsByTagName('*');
  let firstSize = 0;

  /** The page stands still from here on, at time 0, until it is moved. */
  const stand = () => {
    for (const { motion, timers } of everyFrame()) {
      motion.adopt(context());
      timers.hold((error) => found('timer', error));
      for (const kind of motion.unseekable()) found(kind);
    }
  };

  const report = (missing, fonts) => {
    if (missing.length === 0) stand();
    return {
      missing,
      videos: window.__nightreelVideos.count,
      missingFonts: missing.length > 0 ? [] : missingFonts(fonts),
      brokenFonts: missing.length > 0 ? [] : brokenFonts(),
      durationMs: Math.round((Number(window.__hf?.duration) || 0) * 1000),
    };
  };

  /** Whether the last thing that was drawn is the beginning. */
  let isAtStart = false;
  const rewind = () => {
    for (const { clock } of everyFrame()) {
      clock.reseed();
      clock.setTime(0);
    }
    try {
      draw(0);
    } catch {
      // The recipient before left it broken; new params may well mend it, and their own frames tell.
    }
    isAtStart = true;
  };

  window.__nightreel = {
    /** Waits until the composition can be sought and its fonts and images are there. */
    async ready(fonts, limitMs) {
      const deadlineMs = time.originalNow() + limitMs;
      const missing = await settle(missingComposition, deadlineMs);
      if (missing.length > 0) return report(missing, fonts);
      window.__hfForceTimelineRebind?.();
      return report(await loadAssets(fonts, deadlineMs), fonts);
    },

    /** Draws the beginning while nobody waits for it: what the next params would begin with. */
    async rewind() {
      rewind();
      await nextTurn();
      await nextTurn();
    },

    /** Sends params as a message and waits for `hf-params-ready`, then for whatever the new values need. */
    async applyParams(params, fonts, limitMs) {
      const deadlineMs = time.originalNow() + limitMs;
      told = new Set();
      if (!isAtStart) rewind();
      isAtStart = false;
      window.__nightreelVideos.release();
      for (const { timers, isolation } of everyFrame()) {
        isolation.reset();
        timers.release();
      }
      let isReady = false;
      const onReady = () => {
        isReady = true;
      };
      window.addEventListener('hf-params-ready', onReady, { once: true });
      // As window.postMessage would do it, in this very turn: in the one after that, Chromium may first paint what is there.
      const { origin } = window;
      window.dispatchEvent(
        new MessageEvent('message', { data: { type: 'hf-params', params }, origin, source: window }),
      );
      const missing = await settle(() => (isReady ? missingComposition() : [{ kind: 'readyEvent' }]), deadlineMs);
      window.removeEventListener('hf-params-ready', onReady);
      if (missing.length > 0) return report(missing, fonts);
      window.__hfForceTimelineRebind?.();
      const missingAssets = await loadAssets(fonts, deadlineMs);
      // A promise that was rejected meanwhile is told in a turn of its own.
      await nextTurn();
      await nextTurn();
      const answer = report(missingAssets, fonts);
      firstSize ||= elements.length;
      if (elements.length > firstSize * GROWTH + GROWTH_SLACK) found('growth');
      return answer;
    },

    /**
     * Draws the moment `seconds`, in which videos show these pictures (see videos.js) and soon `next`; 'unloaded', and nothing is
     * drawn, when one of them is not there yet: it is after `loaded`. True when something that the picture needs is still on its way (a font that began to
     * load, a scene that asked for time): the picture is complete after `settled`.
     */
    seek(seconds, pictures = [], next = []) {
      if (pictures.length > 0 && !window.__nightreelVideos.show(pictures, next, hasOwnSeek())) return 'unloaded';
      const ms = seconds * 1000;
      isAtStart = false;
      const frames = everyFrame();
      for (const { clock, motion } of frames) {
        clock.reseed(ms);
        clock.setTime(ms);
        motion.watch();
      }
      try {
        draw(seconds);
      } finally {
        for (const { motion } of frames) motion.note();
      }
      for (const { clock } of frames) clock.seekToTime(ms);
      for (const { motion } of frames) for (const kind of motion.move(ms, context())) found(kind);
      // Layout is what makes a face load; the capture would do this very layout a moment later.
      void document.documentElement.offsetHeight;
      return unfinished > 0 || document.fonts.status === 'loading';
    },

    /** Shows the first picture of each video. */
    begin: (pictures) => window.__nightreelVideos.begin(pictures),

    /** Waits for the pictures that `seek` did not have. */
    loaded: () => window.__nightreelVideos.loaded(),

    /** Waits for what `seek` said is on its way. */
    async settled() {
      await window.__hfWaitForSeekCompletion?.();
      await document.fonts.ready;
      if (brokenFonts().length > 0) found('brokenFont');
    },

    /** The page is given up: nothing of it is to run by itself again. */
    halt() {
      for (const { timers } of everyFrame()) timers.hold(() => undefined);
    },

    /** Those of some addresses that are no images. Their bytes are there already. */
    async undecodable(addresses) {
      const broken = await Promise.all(
        addresses.map(async (address) => {
          const image = new Image();
          image.src = address;
          return await image.decode().then(
            () => [],
            () => [address],
          );
        }),
      );
      return broken.flat();
    },
  };
})();
