// Runs in every frame of a page, before the HyperFrames runtime. No browser can show an exact frame of a <video>, so none of them
// gets its file: the engine hands out pictures of it, and each is shown as the poster of its element, whose box, object-fit, radius,
// filter and transform are the author's own. What the page's scripts ask of such an element is answered from what is known of the
// file, `window.__nightreelFilms`; where that is not there (the preview), the browser's own player is left alone.
(() => {
  if (window.__nightreelVideos) return;

  const isStage = window.__nightreelIsStage === true;
  const isActive = () => isStage && window.__nightreelFilms !== undefined;

  const sourceOf = (video) => (video.getAttribute('src') ? video : video.querySelector('source[src]'));
  const addressOf = (video) => sourceOf(video)?.src ?? '';
  const plays = (video) => video.srcObject !== null || sourceOf(video) !== null || video.hasAttribute('src');
  const filmOf = (video) => {
    const { pathname, origin } = URL.parse(addressOf(video)) ?? {};
    if (pathname === undefined || origin !== location.origin) return undefined;
    return window.__nightreelFilms[decodeURIComponent(pathname.slice(1))];
  };

  /** Of a <video> that has a place on the timeline: its number, its address when the clips were read, its author's poster. */
  const clips = new Map();
  const numbers = new WeakMap();
  let lastNumber = 0;
  const isOnTimeline = (video) => video.hasAttribute('data-start') || video.closest('[data-composition-id]') !== null;

  // What is asked of a player.
  const times = new WeakMap();
  const { prototype } = HTMLVideoElement;
  const answers = {
    duration: (video) => filmOf(video)?.seconds ?? Number.NaN,
    videoWidth: (video) => filmOf(video)?.width ?? 0,
    videoHeight: (video) => filmOf(video)?.height ?? 0,
    readyState: (video) => (filmOf(video) ? 4 : 0),
    networkState: (video) => (plays(video) ? 1 : 0),
    error: () => null,
    currentTime: (video) => times.get(video) ?? 0,
    paused: () => true,
    ended: () => false,
    seeking: () => false,
  };
  for (const [name, answer] of Object.entries(answers)) {
    const owner = name.startsWith('video') ? prototype : HTMLMediaElement.prototype;
    const { get, set } = Object.getOwnPropertyDescriptor(owner, name);
    Object.defineProperty(prototype, name, {
      configurable: true,
      enumerable: true,
      get() {
        return isActive() ? answer(this) : get.call(this);
      },
      set:
        set &&
        function (value) {
          if (isActive()) times.set(this, Number(value));
          else set.call(this, value);
        },
    });
  }
  for (const [name, instead] of Object.entries({
    play: async () => undefined,
    pause: () => undefined,
    load: () => undefined,
  })) {
    const original = HTMLMediaElement.prototype[name];
    prototype[name] = function () {
      return isActive() ? instead() : original.call(this);
    };
  }
  const waiting = [];
  const { requestVideoFrameCallback } = prototype;
  prototype.requestVideoFrameCallback = function (callback) {
    if (!isActive()) return requestVideoFrameCallback.call(this, callback);
    return waiting.push({ video: this, callback });
  };

  // The file is refused to the browser; the page is told what it would have been told.
  const EVENTS = ['loadedmetadata', 'durationchange', 'loadeddata', 'canplay', 'canplaythrough'];
  window.addEventListener(
    'error',
    (event) => {
      const video = event.target?.closest?.('video') ?? null;
      if (video === null || !isActive()) return;
      event.stopImmediatePropagation();
      if (filmOf(video)) for (const name of EVENTS) video.dispatchEvent(new Event(name));
    },
    true,
  );

  /** Pictures that are loaded or on their way, by address. */
  const images = new Map();
  const shownNow = new WeakMap();
  const load = (address) => {
    if (images.has(address)) return;
    const image = new Image();
    image.src = address;
    images.set(address, image);
  };

  // A canvas draws what is seen of a film.
  const seen = (source) => (source instanceof HTMLVideoElement && images.get(shownNow.get(source))) || source;
  const DRAWERS = {
    CanvasRenderingContext2D: ['drawImage', 'createPattern'],
    OffscreenCanvasRenderingContext2D: ['drawImage', 'createPattern'],
    WebGLRenderingContext: ['texImage2D', 'texSubImage2D'],
    WebGL2RenderingContext: ['texImage2D', 'texSubImage2D', 'texImage3D', 'texSubImage3D'],
  };
  for (const [name, methods] of Object.entries(DRAWERS)) {
    for (const method of methods) {
      const { prototype: drawer } = window[name] ?? { prototype: {} };
      const original = drawer[method];
      if (original === undefined) continue;
      drawer[method] = function (...args) {
        return original.apply(this, args.map(seen));
      };
    }
  }
  const { createImageBitmap } = window;
  window.createImageBitmap = (source, ...rest) => createImageBitmap(seen(source), ...rest);

  const show = ({ video }, address, isPlaced) => {
    video.toggleAttribute('data-nightreel-unseen', address === null);
    video.toggleAttribute('data-nightreel-seen', address !== null && isPlaced);
    if (address === null) {
      shownNow.delete(video);
      return;
    }
    shownNow.set(video, address);
    if (video.getAttribute('poster') !== address) video.setAttribute('poster', address);
  };

  window.__nightreelVideos = {
    /** How many of the page have a place on its timeline. */
    get count() {
      if (!isActive()) return 0;
      return [...document.getElementsByTagName('video')].filter((video) => plays(video) && isOnTimeline(video)).length;
    },
    /** Asked while the clips are read: from now on this is one of them. */
    numberOf(video) {
      if (!isActive() || !(video instanceof HTMLVideoElement)) return null;
      if (!numbers.has(video)) {
        lastNumber += 1;
        numbers.set(video, lastNumber);
      }
      clips.set(numbers.get(video), { video, address: addressOf(video), poster: video.getAttribute('poster') });
      return numbers.get(video);
    },
    /** Another recipient: every <video> is as its author left it. */
    release() {
      for (const { video, poster } of clips.values()) {
        video.removeAttribute('data-nightreel-unseen');
        video.removeAttribute('data-nightreel-seen');
        if (poster === null) video.removeAttribute('poster');
        else video.setAttribute('poster', poster);
        shownNow.delete(video);
      }
      clips.clear();
      images.clear();
      waiting.length = 0;
    },
    /**
     * Shows the first pictures, and resolves when they are laid out. A <video> that gets its first poster in the very turn in which
     * the stage is rebuilt is not drawn at all by Chromium 156, nor is what lies around it.
     */
    async begin(pictures) {
      while (!this.show(pictures, [], false)) await this.loaded();
      await window.scheduler.postTask(() => document.documentElement.offsetHeight);
    },
    /**
     * Shows pictures, `[number, address or null]` each. False, and nothing is changed, when one has not come yet. `isPlaced`: not by
     * the runtime, which stands at its beginning and would hide what begins later.
     */
    show(pictures, next, isPlaced) {
      const wanted = pictures.map(([, address]) => address).filter((address) => address !== null);
      for (const address of [...wanted, ...next]) load(address);
      if (wanted.some((address) => !images.get(address).complete)) return false;
      for (const [number, address] of pictures) show(clips.get(number), address, isPlaced);
      for (const address of images.keys()) {
        if (!wanted.includes(address) && !next.includes(address)) images.delete(address);
      }
      const now = performance.now();
      for (const { video, callback } of waiting.splice(0)) {
        const { width = 0, height = 0 } = filmOf(video) ?? {};
        callback.call(video, now, {
          presentationTime: now,
          expectedDisplayTime: now,
          mediaTime: now / 1000,
          width,
          height,
        });
      }
      return true;
    },
    /** Waits for what has not come yet. */
    async loaded() {
      const late = [...images.values()].filter((image) => !image.complete);
      await Promise.all(
        late.map(
          (image) =>
            new Promise((resolve) => {
              image.addEventListener('load', resolve);
              image.addEventListener('error', resolve);
            }),
        ),
      );
    },
    /** Kinds of faults: a <video> that would play by itself, and one that was not there, or had another file, when clips were read. */
    faults(isDrawing) {
      const videos = [...document.getElementsByTagName('video')].filter(plays);
      if (videos.length === 0 || (!isActive() && isStage && videos.every(isOnTimeline))) return [];
      if (!isStage || !videos.every(isOnTimeline)) return ['video'];
      const isKnown = (video) => clips.get(numbers.get(video))?.address === addressOf(video);
      return isDrawing && !videos.every(isKnown) ? ['lateVideo'] : [];
    },
  };
})();
