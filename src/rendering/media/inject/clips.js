// Evaluated in one call, in a page that is ready or in the stage around it: every sound and video that has a place on its
// timeline, as plain data. What an attribute means is decided outside; where a clip lies on the timeline of the whole video only the page can
// tell, by HyperFrames' own rule.
((window) => {
  const { document } = window;
  const ID = /^[\w.:-]+$/;
  const WITH_OFFSET = /^([\w.:-]+)\s*[+-]\s*[\d.]+$/;
  const compositionOf = (element) => element.closest('[data-composition-id]');
  const number = (text) => (text === null || text.trim() === '' ? Number.NaN : Number(text));
  const isMedia = (element) => element.tagName === 'AUDIO' || element.tagName === 'VIDEO';

  /** What keeps `data-start` from being resolved. The runtime would silently take another moment instead. */
  const problemOf = (element, seen = new Set()) => {
    if (seen.has(element)) return 'circular';
    seen.add(element);
    const start = (element.getAttribute('data-start') ?? '').trim();
    if (start === '' || Number.isFinite(Number(start))) {
      const host = element.hasAttribute('data-composition-id') ? element.parentElement : element;
      const composition = host && compositionOf(host);
      return composition ? problemOf(composition, seen) : null;
    }
    const id = ID.test(start) ? start : WITH_OFFSET.exec(start)?.[1];
    if (id === undefined) return 'unreadable';
    const target = document.getElementById(id) ?? document.querySelector(`[data-composition-id="${CSS.escape(id)}"]`);
    if (target === null) return 'missing';
    const hasLength = number(target.getAttribute('data-duration')) > 0 || target.hasAttribute('data-end');
    if (seen.has(target)) return 'circular';
    // Its length would be that of its file, which the page may know now, later or never.
    if (isMedia(target) && !hasLength) return 'open-ended';
    return problemOf(target, seen);
  };

  const startOf = (element) => {
    const resolve = window.__hfResolveMediaStartSeconds;
    const seconds = resolve ? resolve(element) : number(element.getAttribute('data-start') ?? '0');
    return Number.isFinite(seconds) ? seconds : 0;
  };
  /** Where a composition begins: where something would that starts at 0 inside of it. */
  const startOfComposition = (composition) =>
    startOf({
      closest: () => composition,
      getAttribute: (name) => (name === 'data-start' ? '0' : null),
      hasAttribute: () => false,
    });
  const durationOf = (composition) => {
    const written =
      number(composition.getAttribute('data-duration')) ||
      number(composition.getAttribute('data-hf-authored-duration'));
    if (written > 0) return written;
    const timeline = window.__timelines?.[composition.getAttribute('data-composition-id')];
    return typeof timeline?.duration === 'function' ? Number(timeline.duration()) : Number.NaN;
  };
  /** Where the first of the compositions around a clip ends, the whole video's left out; null: none says. */
  const hostEndOf = (element) => {
    let end = Number.POSITIVE_INFINITY;
    for (let host = compositionOf(element); host !== null; ) {
      const outer = host.parentElement && compositionOf(host.parentElement);
      if (outer === null) break;
      const duration = durationOf(host);
      if (duration > 0) end = Math.min(end, startOfComposition(host) + duration);
      host = outer;
    }
    return Number.isFinite(end) ? end : null;
  };

  const groupOf = (element) => {
    const id = element.tagName === 'AUDIO' ? element.getAttribute('data-audio-group') : null;
    const group = id ? document.getElementById(id) : null;
    return group?.tagName === 'HF-AUDIO-GROUP' ? group : null;
  };
  const isSilenced = (element) =>
    element.hasAttribute('muted') ||
    element.closest('[data-hidden]') !== null ||
    groupOf(element)?.hasAttribute('data-hidden') === true ||
    element.getAttribute('data-has-audio') === 'false';
  /** A timeline that moves `volume` itself leaves no trace in the attributes. */
  const isTweened = (element) =>
    (window.gsap?.getTweensOf?.(element) ?? []).some((tween) => tween.vars && 'volume' in tween.vars);

  const ATTRIBUTES = ['start', 'duration', 'end', 'playback-start', 'media-start', 'playback-rate', 'volume'].concat([
    'fade-in',
    'fade-out',
    'automation',
    'fx-chain',
  ]);
  const attributesOf = (element) =>
    Object.fromEntries(
      ATTRIBUTES.map((name) => [name, element.getAttribute(`data-${name}`)]).filter(([, value]) => value !== null),
    );
  const sourceOf = (element) => (element.getAttribute('src') ? element : element.querySelector('source[src]'));

  return [...document.querySelectorAll('audio, video')]
    .filter((element) => element.hasAttribute('data-start') || compositionOf(element) !== null)
    .filter((element) => sourceOf(element)?.getAttribute('src'))
    .map((element) => {
      const group = groupOf(element);
      return {
        id: element.id,
        kind: element.tagName.toLowerCase(),
        src: sourceOf(element).src,
        video: window.__nightreelVideos?.numberOf(element) ?? null,
        isHeard: !isSilenced(element),
        problem: problemOf(element),
        startSeconds: startOf(element),
        hostEndSeconds: hostEndOf(element),
        loops: element.hasAttribute('loop'),
        claimsAudio: element.tagName === 'AUDIO' || element.getAttribute('data-has-audio') === 'true',
        isTweened: isTweened(element),
        attributes: attributesOf(element),
        group: group && attributesOf(group),
      };
    });
})(window.nightreelStage?.document?.defaultView ?? window);
