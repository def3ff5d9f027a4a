// Runs in every frame of a page, before the HyperFrames runtime. Moves what the browser itself would move by the wall
// clock (CSS animations and transitions, Element.animate, SMIL, the caret) to the moment that is drawn, and finds what
// cannot be moved.
(() => {
  if (window.__nightreelMotion) return;

  const SMIL_TAGS = ['animate', 'animateTransform', 'animateMotion', 'set'];
  const svgElements = (tag) => document.getElementsByTagNameNS('http://www.w3.org/2000/svg', tag);
  // Live: asking whether there are any costs nothing.
  const smil = SMIL_TAGS.map(svgElements);
  const marquees = document.getElementsByTagName('marquee');

  const shadows = new Set();
  const { attachShadow } = Element.prototype;
  Element.prototype.attachShadow = function (...args) {
    const root = attachShadow.apply(this, args);
    shadows.add(root);
    hideCaret(root);
    return root;
  };

  // Layered: important rules of the first layer win over important rules without one. A page whose contents will change
  // gets no compositor layers of its own for animations and transforms: such a layer keeps the scale that it was first drawn
  // at, so that pixels would depend on which frames came before.
  const caret = new CSSStyleSheet();
  caret.replaceSync(
    '@layer nightreel { * { caret-color: transparent !important; } :root { will-change: contents !important; } ' +
      'video[data-nightreel-unseen] { visibility: hidden !important; } ' +
      'video[data-nightreel-seen] { visibility: inherit !important; } }',
  );
  const hideCaret = (root) => {
    if (!root.adoptedStyleSheets.includes(caret)) root.adoptedStyleSheets = [caret, ...root.adoptedStyleSheets];
  };

  /** Those that the page itself had paused before the runtime came to pause all: it moves them, or wants them to stand. */
  const stopped = new WeakSet();
  const pausedByStyle = new WeakMap();
  const isPausedByStyle = (animation) => {
    if (!pausedByStyle.has(animation)) pausedByStyle.set(animation, findPausedByStyle(animation));
    return pausedByStyle.get(animation);
  };
  const findPausedByStyle = (animation) => {
    const { target, pseudoElement } = animation.effect ?? {};
    if (!(animation instanceof CSSAnimation) || !target) return false;
    const { animationName, animationPlayState } = getComputedStyle(target, pseudoElement);
    const states = animationPlayState.split(', ');
    const at = animationName.split(', ').indexOf(animation.animationName);
    return states[at % states.length] === 'paused';
  };
  const noteStopped = () => {
    for (const animation of document.getAnimations()) if (animation.playState === 'paused') stopped.add(animation);
  };
  document.addEventListener('DOMContentLoaded', noteStopped, { once: true });

  // Who sets an animation's time while a frame is drawn knows where it belongs.
  let sets = null;
  const placed = new Map();
  const ownTime = Object.getOwnPropertyDescriptor(Animation.prototype, 'currentTime');
  Object.defineProperty(Animation.prototype, 'currentTime', {
    ...ownTime,
    set(value) {
      ownTime.set.call(this, value);
      sets?.add(this);
    },
  });

  /** Strong: one that has run out leaves the document's list, and comes back when time goes back. */
  const known = new Set();
  const seen = new WeakSet();

  const everyAnimation = () => {
    const found = document.getAnimations();
    for (const root of shadows) if (root.host.isConnected) found.push(...root.getAnimations());
    return found;
  };
  const finishTransition = (transition) => {
    // Whatever tracks it can no longer bring it back.
    transition.cancel();
    transition.effect = null;
  };
  /** Transitions depend on what was shown before, which is another thing in another order: they end at once. */
  const endTransitions = () => {
    let isFound = false;
    for (let depth = 0; depth < 8; depth++) {
      // One that ends on a parent may start one on its children.
      const transitions = everyAnimation().filter((animation) => animation instanceof CSSTransition);
      if (transitions.length === 0) break;
      isFound = true;
      transitions.forEach(finishTransition);
    }
    return isFound;
  };

  /**
   * When a CSS animation begins, as the runtime has it: with the clip that its element is, else with the video; null where the
   * clip names another one to begin after. An animation of a clip begins anew whenever the runtime shows it again.
   */
  const startOf = (element) => {
    const authored = element?.getAttribute?.('data-start') ?? null;
    if (authored === null) return 0;
    if (authored.trim() === '' || Number.isNaN(Number(authored))) return null;
    const host = startOf(element.parentElement?.closest('[data-composition-id]'));
    return host === null ? null : host + Math.max(0, Number(authored)) * 1000;
  };

  /** Whether any of them is new. */
  const adoptAll = () => {
    let isFound = false;
    for (const animation of everyAnimation()) {
      if (known.has(animation) || animation instanceof CSSTransition || animation.timeline !== document.timeline)
        continue;
      known.add(animation);
      if (!seen.has(animation) && !animation.effect?.target?.closest?.('[data-start]')) isFound = true;
      seen.add(animation);
    }
    return isFound;
  };
  const put = (animation, ms) => {
    if (animation.playState !== 'paused') animation.pause();
    if (ownTime.get.call(animation) !== ms) ownTime.set.call(animation, ms);
  };
  const moveAnimations = (ms, { ownSeek }) => {
    for (const animation of known) {
      if (animation.playState === 'idle' || !animation.effect?.target?.isConnected) {
        known.delete(animation);
        continue;
      }
      if (ownSeek) {
        if (stopped.has(animation) || isPausedByStyle(animation)) continue;
        // The page's own seek has placed it.
        put(animation, placed.get(animation) ?? ms);
      } else if (animation instanceof CSSAnimation && animation.effect.target.style?.animationPlayState === 'paused') {
        // The runtime moves what it could not get hold of by a paused style and a negative delay.
        put(animation, 0);
      } else {
        const start = animation instanceof CSSAnimation ? startOf(animation.effect.target) : 0;
        if (start !== null) put(animation, Math.max(0, ms - start));
      }
    }
  };
  const moveSmil = (seconds) => {
    if (smil.every((elements) => elements.length === 0)) return;
    const roots = new Set();
    for (const elements of smil) {
      for (const element of elements) {
        let root = element.ownerSVGElement;
        while (root?.ownerSVGElement) root = root.ownerSVGElement;
        if (root !== null) roots.add(root);
      }
    }
    for (const root of roots) {
      if (!root.animationsPaused()) root.pauseAnimations();
      root.setCurrentTime(seconds);
    }
  };

  window.__nightreelMotion = {
    /** Takes over what moves now, at time 0, before the first frame. */
    adopt(context) {
      for (const element of document.querySelectorAll('*')) if (element.shadowRoot) shadows.add(element.shadowRoot);
      for (const root of shadows) if (!root.host.isConnected) shadows.delete(root);
      hideCaret(document);
      endTransitions();
      placed.clear();
      adoptAll();
      moveAnimations(0, context);
      moveSmil(0);
    },
    /** Before a frame is drawn. */
    watch() {
      placed.clear();
      sets = new Set();
    },
    /** Right after: the runtime goes on to set them by a clock of its own. */
    note() {
      for (const animation of sets) placed.set(animation, ownTime.get.call(animation));
      sets = null;
    },
    /** After a frame was drawn: moves the rest to the same moment. Says what began only now, so that its start is unknown. */
    move(ms, context) {
      const found = [];
      // Looks up styles: what the drawing began is there now.
      const isNew = adoptAll();
      if (isNew) found.push('animationInFrame');
      if (endTransitions()) found.push('transitionInFrame');
      moveAnimations(ms, context);
      moveSmil(ms / 1000);
      return [...found, ...this.unseekable(true)];
    },
    /** Kinds of things in the page that no engine can put to a moment. */
    unseekable(isDrawing = false) {
      const found = window.__nightreelVideos.faults(isDrawing);
      if (marquees.length > 0) found.push('marquee');
      return found;
    },
  };
})();
