// Runs first in every page of the template's frame, before the engine's scripts. In the page that is the composition it takes
// calls from the app by a port that the template never sees, and hands them to `window.__nightreel`, as the renderer does.
(() => {
  document.currentScript?.remove();
  const audible = window.__nightreelAudible;
  delete window.__nightreelAudible;

  let port = null;
  const early = [];
  const tell = (note) => {
    if (port === null) early.push(note);
    else port.postMessage({ note });
  };

  // What the policy of the page says nothing of.
  for (const name of ['RTCPeerConnection', 'webkitRTCPeerConnection', 'WebTransport']) delete window[name];
  window.navigation?.addEventListener('navigate', (event) => {
    const { protocol, origin } = new URL(event.destination.url);
    if (!protocol.startsWith('http') || origin === location.origin) return;
    event.preventDefault();
    tell({ kind: 'refused', what: origin });
  });
  if (window === window.top || window.parent !== window.top) return;

  // Firefox had none before version 142.
  window.scheduler ??= {
    postTask: (work) =>
      new Promise((resolve) => {
        const { port1, port2 } = new MessageChannel();
        port1.onmessage = () => {
          port1.close();
          resolve(work());
        };
        port2.postMessage(null);
      }),
  };

  // Before the engine hides it.
  const app = window.parent;
  const given = window.name === '' ? null : JSON.parse(window.name);
  window.name = '';
  if (given !== null) window.__hfVariables = given;

  window.__nightreelFound = (payload) => tell({ kind: 'found', what: JSON.parse(payload).kind });
  const words = (error) => String(error?.message ?? error).slice(0, 500);
  window.addEventListener('error', ({ error, message, filename, lineno }) => {
    if (message === undefined) return;
    const path = filename.startsWith(location.origin) ? filename.slice(location.origin.length + 1) : '';
    tell({ kind: 'thrown', what: error ? words(error) : message, place: path === '' ? '' : `${path}:${lineno}` });
  });
  window.addEventListener('unhandledrejection', ({ reason }) =>
    tell({ kind: 'thrown', what: words(reason), place: '' }),
  );
  document.addEventListener('securitypolicyviolation', ({ blockedURI }) => {
    tell({ kind: 'refused', what: URL.parse(blockedURI)?.origin ?? blockedURI });
  });

  const number = (text) => (text === null || text.trim() === '' ? Number.NaN : Number(text));
  const resolved = (element) =>
    window.__hfResolveMediaStartSeconds?.(element) ?? number(element.getAttribute('data-start'));
  /** What has a place on the timeline and is seen; the whole video left out. */
  const clips = () =>
    [...document.querySelectorAll('[data-start]:not(audio)')]
      .filter(
        (element) =>
          !element.hasAttribute('data-composition-id') || element.parentElement?.closest('[data-composition-id]'),
      )
      .map((element) => {
        const start = resolved(element);
        const [length, end] = ['data-duration', 'data-end'].map((name) => number(element.getAttribute(name)));
        const name = element.id || element.getAttribute('data-composition-id') || element.tagName.toLowerCase();
        return { name, start, end: Number.isFinite(length) ? start + length : end };
      });

  const calls = {
    ready: (...args) => window.__nightreel.ready(...args),
    applyParams: (...args) => window.__nightreel.applyParams(...args),
    async seek(seconds) {
      if (window.__nightreel.seek(seconds)) await window.__nightreel.settled();
    },
    clips: () => ({
      clips: clips(),
      sounds: audible()
        .filter(({ isHeard }) => isHeard)
        .map(({ id, src, startSeconds, hostEndSeconds, attributes }) => ({
          name: id || src.slice(src.lastIndexOf('/') + 1),
          start: startSeconds,
          end: attributes.duration
            ? startSeconds + Number(attributes.duration)
            : number(attributes.end ?? null) || hostEndSeconds,
        })),
    }),
  };
  const answer = async ({ data: { id, call, args } }) => {
    try {
      port.postMessage({ id, value: await calls[call](...args) });
    } catch (error) {
      port.postMessage({ id, error: words(error) });
    }
  };
  window.addEventListener(
    'message',
    (event) => {
      if (event.source !== app || event.data?.type !== 'nightreel-port') return;
      event.stopImmediatePropagation();
      [port] = event.ports;
      port.onmessage = answer;
      for (const note of early.splice(0)) tell(note);
    },
    true,
  );
})();
