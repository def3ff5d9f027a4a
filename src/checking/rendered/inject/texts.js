// Evaluates to a function: every text of a document that is to be seen, where it is, what cuts it off, and which others it lies on; and what has run
// out of the frame. Lengths are CSS pixels of the template's page. Changes nothing.
(root, stage) => {
  const view = root.defaultView;
  /** More texts than this are letters of a picture. */
  const MOST = 600;
  const SKIPPED = ['SCRIPT', 'STYLE', 'NOSCRIPT', 'TEMPLATE', 'TITLE', 'HEAD'];
  /** What people read; less is on its way in or out. */
  const READABLE = 0.6;
  const styles = new Map();
  const styleOf = (element) => {
    if (!styles.has(element)) styles.set(element, view.getComputedStyle(element));
    return styles.get(element);
  };
  const parentOf = (element) => element.assignedSlot ?? element.parentElement ?? element.getRootNode().host ?? null;

  const nameOf = (element) => ({
    tag: element.localName,
    id: element.id ?? '',
    classes: [...(element.classList ?? [])],
  });
  /** The element and those around it, nearest first. */
  const namesOf = (element) => {
    const names = [];
    for (let one = element; one && one !== root.documentElement && names.length < 8; one = parentOf(one)) {
      names.push(nameOf(one));
    }
    return names;
  };

  const opacityOf = (element) => {
    let opacity = 1;
    for (let one = element; one; one = parentOf(one)) opacity *= Number(styleOf(one).opacity);
    return opacity;
  };

  const isContaining = (style) =>
    style.position !== 'static' ||
    style.transform !== 'none' ||
    style.filter !== 'none' ||
    style.contain.includes('paint') ||
    ['strict', 'content', 'layout'].includes(style.contain);
  const clips = (overflow, style) =>
    overflow !== 'visible' || style.contain.includes('paint') || style.contain === 'strict';
  /** What is left of the stage after everything that clips the element has. */
  const clipOf = (element) => {
    const clip = { left: 0, top: 0, right: stage.width, bottom: stage.height };
    let position = 'static';
    for (let one = element; one && one !== root.body && one !== root.documentElement; one = parentOf(one)) {
      const style = styleOf(one);
      const skips =
        position === 'fixed'
          ? style.transform === 'none' && style.filter === 'none'
          : position === 'absolute' && !isContaining(style);
      if (skips) continue;
      if (one !== element || style.display !== 'inline') {
        const box = one.getBoundingClientRect();
        if (clips(style.overflowX, style)) {
          clip.left = Math.max(clip.left, box.left);
          clip.right = Math.min(clip.right, box.right);
        }
        if (clips(style.overflowY, style)) {
          clip.top = Math.max(clip.top, box.top);
          clip.bottom = Math.min(clip.bottom, box.bottom);
        }
      }
      position = style.position;
    }
    return clip;
  };

  const isMoved = ({ position, float, transform, translate }) =>
    ['absolute', 'fixed', 'sticky'].includes(position) ||
    float !== 'none' ||
    !(transform === 'none' || transform === 'matrix(1, 0, 0, 1, 0, 0)') ||
    !(translate === undefined || translate === 'none' || /^0px( 0px)?$/.test(translate));
  /**
   * Whether a text of which nothing is to be seen follows in the flow on something that is there, as the last rows of a list do that is too long.
   * What is placed or moved outside of it waits there, or has gone.
   */
  const hasRunOut = (element, box, text) => {
    const isBeyond = ({ right, bottom }) => box.top >= bottom - 0.5 || box.left >= right - 0.5;
    let isFollowing = false;
    let isInPlace = true;
    for (let one = element; one && one !== root.body && one !== root.documentElement; one = parentOf(one)) {
      const style = styleOf(one);
      if (style.display !== 'inline' && style.display !== 'contents') {
        const { left, top, right, bottom } = one.getBoundingClientRect();
        const isThere =
          right - left > 1 && bottom - top > 1 && left < stage.width && right > 0 && top < stage.height && bottom > 0;
        const isWhole = left <= 0.5 && top <= 0.5 && right >= stage.width - 0.5 && bottom >= stage.height - 0.5;
        const isClipping = clips(style.overflowX, style) || clips(style.overflowY, style);
        // One letter is one of a wheel of digits.
        if (isThere && isClipping && !isWhole) return isInPlace && text.length > 1 && isBeyond({ right, bottom });
        isFollowing ||= isThere;
      }
      if (!isMoved(style)) continue;
      if (!isFollowing) return false;
      isInPlace = false;
    }
    return isFollowing && isBeyond({ right: stage.width, bottom: stage.height });
  };

  /** Whether the browser shows dots, or leaves lines out, because there is too much of it. */
  const isShortened = (element) => {
    for (let one = element; one && one !== root.body; one = parentOf(one)) {
      const style = styleOf(one);
      if (style.display === 'inline') continue;
      if (style.textOverflow === 'ellipsis' && style.overflowX !== 'visible' && one.scrollWidth > one.clientWidth + 1)
        return true;
      return (
        style.webkitLineClamp !== 'none' && style.webkitLineClamp !== '' && one.scrollHeight > one.clientHeight + 2
      );
    }
    return false;
  };

  const pen = root.createElement('canvas').getContext('2d', { willReadFrequently: true });
  /** Which shares of a line's box are empty above and below its letters. */
  const inkOf = (text, style) => {
    pen.font = `${style.fontStyle} ${style.fontWeight} ${style.fontSize} ${style.fontFamily}`;
    const size = pen.measureText(text);
    const height = size.fontBoundingBoxAscent + size.fontBoundingBoxDescent;
    const share = (empty) => (height > 0 ? Math.min(0.5, Math.max(0, empty / height)) : 0);
    return {
      above: share(size.fontBoundingBoxAscent - size.actualBoundingBoxAscent),
      below: share(size.fontBoundingBoxDescent - size.actualBoundingBoxDescent),
    };
  };
  /** [r, g, b, a] of any CSS colour. */
  const rgbaOf = (colour) => {
    pen.canvas.width = 1;
    pen.canvas.height = 1;
    pen.fillStyle = colour;
    pen.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = pen.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  };

  const nodes = [];
  const collect = (node) => {
    if (nodes.length >= MOST) return;
    if (node.nodeType === 3) {
      if (node.data.trim() !== '') nodes.push(node);
      return;
    }
    if (node.nodeType === 1 && SKIPPED.includes(node.tagName)) return;
    if (node.shadowRoot) for (const child of node.shadowRoot.childNodes) collect(child);
    for (const child of node.childNodes) collect(child);
  };
  collect(root.documentElement);

  const texts = [];
  const runOut = [];
  const counts = new Map();
  for (const node of nodes) {
    const element = node.parentElement ?? node.getRootNode().host;
    const names = namesOf(element);
    const alike = JSON.stringify(names);
    const nth = counts.get(alike) ?? 0;
    counts.set(alike, nth + 1);
    const style = styleOf(element);
    if (style.visibility !== 'visible') continue;
    const opacity = opacityOf(element);
    if (opacity < READABLE) continue;
    const range = root.createRange();
    const lead = node.data.length - node.data.trimStart().length;
    range.setStart(node, lead);
    range.setEnd(node, node.data.trimEnd().length);
    const boxes = [...range.getClientRects()].filter(({ width, height }) => width > 0.5 && height > 0.5);
    if (boxes.length === 0) continue;
    const clip = clipOf(element);
    const ink = inkOf(node.data.trim(), style);
    const seen = boxes
      .map((box) => ({
        left: Math.max(box.left, clip.left),
        top: Math.max(box.top + ink.above * box.height, clip.top),
        right: Math.min(box.right, clip.right),
        bottom: Math.min(box.bottom - ink.below * box.height, clip.bottom),
      }))
      .filter(({ left, top, right, bottom }) => right - left > 0.5 && bottom - top > 0.5);
    const bounds = {
      left: Math.min(...boxes.map(({ left }) => left)),
      top: Math.min(...boxes.map(({ top }) => top)),
      right: Math.max(...boxes.map(({ right }) => right)),
      bottom: Math.max(...boxes.map(({ bottom }) => bottom)),
    };
    const text = node.data.trim();
    const about = { names, nth, text: text.slice(0, 60), bounds };
    if (seen.length === 0) {
      if (hasRunOut(element, bounds, text)) runOut.push(about);
      continue;
    }
    const fontPx = Number.parseFloat(style.fontSize);
    const sideways = Math.max(...boxes.map((box) => Math.max(clip.left - box.left, box.right - clip.right)));
    // A line's box is higher than its letters.
    const upright = Math.max(
      ...boxes.map(
        ({ top, bottom, height }) =>
          Math.max(clip.top - top - ink.above * height, bottom - ink.below * height - clip.bottom) / height,
      ),
    );
    texts.push({
      ...about,
      opacity,
      seen,
      isCut: sideways > Math.max(1.5, fontPx * 0.06) || upright > 0.1,
      isShortened: isShortened(element),
      fontPx,
      isBold: Number(style.fontWeight) >= 700,
      colour: rgbaOf(node.parentElement?.namespaceURI?.endsWith('svg') ? style.fill : style.webkitTextFillColor),
    });
  }

  const area = ({ left, top, right, bottom }) => ({ width: right - left, height: bottom - top });
  const isOn = (one, other) => {
    const [a, b] = [area(one), area(other)];
    const width = Math.min(one.right, other.right) - Math.max(one.left, other.left);
    const height = Math.min(one.bottom, other.bottom) - Math.max(one.top, other.top);
    return width > 0.3 * Math.min(a.width, b.width) && height > 0.45 * Math.min(a.height, b.height);
  };
  /** Numbers and names that are set letter by letter lie close on purpose; the same text twice is a shadow. */
  const isOneThing = (one, other) => {
    const nearest = ({ names }) => names.find(({ id }) => id !== '')?.id;
    return one.text === other.text || (nearest(one) !== undefined && nearest(one) === nearest(other));
  };
  const overlaps = [];
  for (const [index, one] of texts.entries()) {
    for (let at = index + 1; at < texts.length; at++) {
      const other = texts[at];
      if (isOneThing(one, other)) continue;
      if (one.seen.some((box) => other.seen.some((rest) => isOn(box, rest)))) overlaps.push([index, at]);
    }
  }
  return { texts, overlaps: overlaps.slice(0, 50), runOut };
};
