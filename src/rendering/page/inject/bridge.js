// Runs in the top frame, after the HyperFrames runtime and before the page's own scripts. The engine talks to a template
// through `window.__nightreel` alone; every function answers with plain data, or throws what the template threw.
(() => {
  const time = window.__HF_VIRTUAL_TIME__;
  window.__hf = window.__hf ?? {};
  const hf = window.__hf;
  const POLL_MS = 4;

  const framesBelow = (parent) => {
    const found = [];
    for (let i = 0; i < parent.frames.length; i++) found.push(parent.frames[i], ...framesBelow(parent.frames[i]));
    return found;
  };
  const everyClock = () => [time, ...framesBelow(window).map((frame) => frame.__HF_VIRTUAL_TIME__)].filter(Boolean);
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
  hf.seek = runtimeSeek;

  const hasOwnSeek = () => typeof window.__hf?.seek === 'function' && window.__hf.seek !== runtimeSeek;

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
    return [...document.querySelectorAll('[data-composition-id]')]
      .filter((element) => !element.hasAttribute('data-no-timeline'))
      .map((element) => element.getAttribute('data-composition-id'))
      .filter((id) => !registered[id])
      .map((id) => ({ kind: 'timeline', name: `window.__timelines['${id}']` }));
  };

  const missingComposition = () => {
    if (window.__hf?.duration > 0 || hasOwnSeek()) return missingTimelines();
    if (window.__hfTimelinesBuilding) return [{ kind: 'timelinesBuilt' }];
    const timelines = missingTimelines();
    return timelines.length > 0 ? timelines : [{ kind: 'composition' }];
  };

  const unquoted = (family) => family.replace(/^(['"])(.*)\1$/, '$2').toLowerCase();
  const facesOf = (family) => [...document.fonts].filter((face) => unquoted(face.family) === family.toLowerCase());
  const coversWeight = (face, weight) => {
    const [from, to = from] = face.weight.split(' ').map((part) => ({ normal: 400, bold: 700 })[part] ?? Number(part));
    return weight >= from && weight <= to;
  };

  /** Waits until nothing is `pending()`, moving virtual animation frames along; what still is at the deadline. */
  const settle = async (pending, deadlineMs) => {
    for (;;) {
      const things = pending();
      if (things.length === 0 || time.originalNow() > deadlineMs) return things;
      for (const clock of everyClock()) clock.seekToTime(clock.getTime());
      await new Promise((resolve) => time.originalSetTimeout(resolve, POLL_MS));
    }
  };

  const imageThing = (image) => ({ kind: 'image', name: String(image.getAttribute('src')?.slice(0, 80)) });

  const loadAssets = async (fonts, deadlineMs) => {
    // Declared faces are loaded now, all of them: one that a later scene asks for first would appear a frame late.
    for (const { family } of fonts) for (const face of facesOf(family)) face.load().catch(() => undefined);
    const undecoded = new Set([...document.images].filter((image) => image.currentSrc !== ''));
    const broken = [];
    for (const image of undecoded) {
      image
        .decode()
        .catch(() => broken.push(imageThing(image)))
        .finally(() => undecoded.delete(image));
    }
    const left = await settle(
      () => [
        ...[...undecoded].map(imageThing),
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

  const report = (missing, fonts) => ({
    missing,
    missingFonts: missing.length > 0 ? [] : missingFonts(fonts),
    durationMs: Math.round((Number(window.__hf?.duration) || 0) * 1000),
  });

  window.__nightreel = {
    /** Waits until the composition can be sought and its fonts and images are there. */
    async ready(fonts, limitMs) {
      const deadlineMs = time.originalNow() + limitMs;
      const missing = await settle(missingComposition, deadlineMs);
      if (missing.length > 0) return report(missing, fonts);
      window.__hfForceTimelineRebind?.();
      return report(await loadAssets(fonts, deadlineMs), fonts);
    },

    /** Sends params as a message and waits for `hf-params-ready`, then for whatever the new values need. */
    async applyParams(params, fonts, limitMs) {
      const deadlineMs = time.originalNow() + limitMs;
      for (const clock of everyClock()) {
        clock.reseed();
        clock.setTime(0);
      }
      try {
        draw(0);
      } catch {
        // The recipient before this one left it broken; the new params may well mend it, and their own frames tell.
      }
      let isReady = false;
      const onReady = () => {
        isReady = true;
      };
      window.addEventListener('hf-params-ready', onReady, { once: true });
      window.postMessage({ type: 'hf-params', params }, '*');
      const missing = await settle(() => (isReady ? missingComposition() : [{ kind: 'readyEvent' }]), deadlineMs);
      window.removeEventListener('hf-params-ready', onReady);
      if (missing.length > 0) return report(missing, fonts);
      window.__hfForceTimelineRebind?.();
      return report(await loadAssets(fonts, deadlineMs), fonts);
    },

    /** Draws the moment `seconds`. True when a font began to load that way: the picture is complete after `fontsLoaded`. */
    seek(seconds) {
      const ms = seconds * 1000;
      for (const clock of everyClock()) clock.setTime(ms);
      draw(seconds);
      for (const clock of everyClock()) clock.seekToTime(ms);
      // Layout is what makes a face load; the capture would do this very layout a moment later.
      void document.documentElement.offsetHeight;
      return document.fonts.status === 'loading';
    },

    async fontsLoaded() {
      await document.fonts.ready;
    },
  };
})();
