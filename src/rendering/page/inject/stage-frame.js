// Runs in every frame of a page, before anything else: marks the one that holds the template, and hides from it that it is
// in a frame. The HyperFrames runtime, for one, treats a composition in a frame as one that is being edited.
(() => {
  if (window === window.top || window.parent !== window.top) return;
  Object.defineProperty(window, '__nightreelIsStage', { value: true });
  Object.defineProperty(window, 'parent', { configurable: true, value: window });
  Object.defineProperty(window, 'frameElement', { configurable: true, value: null });
})();
