// Runs in every frame of a page: nothing that a page can store outlives a recipient. What lasts longer than a document is
// not there at all; the storages that many scripts take for granted are emptied.
(() => {
  if (window.__nightreelIsolation) return;

  for (const name of ['indexedDB', 'caches', 'cookieStore', 'SharedWorker', 'BroadcastChannel', 'sharedStorage']) {
    delete window[name];
  }
  for (const name of ['serviceWorker', 'storage', 'storageBuckets', 'locks']) delete Navigator.prototype[name];
  Object.defineProperty(Document.prototype, 'cookie', { configurable: true, get: () => '', set: () => undefined });

  // Nobody is there to answer; and a Chromium with a window would show the question over the frame.
  window.alert = () => undefined;
  window.confirm = () => false;
  window.prompt = () => null;
  window.print = () => undefined;

  let address = null;
  window.__nightreelIsolation = {
    /** Empties what is left, and goes back to the address that was loaded. */
    reset() {
      try {
        for (const storage of [window.localStorage, window.sessionStorage]) if (storage.length > 0) storage.clear();
      } catch {
        // A sandboxed frame has none.
      }
      window.name = '';
      address ??= location.href;
      if (location.href !== address || history.state !== null) history.replaceState(null, '', address);
    },
  };
  if (window.__nightreelIsStage) window.__nightreelIsolation.reset();
})();
