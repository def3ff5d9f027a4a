// Evaluates to a function of a node of text: every different letter of it, alone in an element that is drawn as the text is, and which of them no
// font has. The elements are in the page until `remove` is called. A letter that no font has looks as one that is in no font: U+0378.
(node) => {
  const root = node.ownerDocument;
  const parent = node.parentElement ?? node.getRootNode().host;
  const segments = new Intl.Segmenter('en', { granularity: 'grapheme' }).segment(node.data);
  const different = new Set([...segments].map(({ segment }) => segment));
  const letters = [...different].filter((one) => one.trim() !== '').slice(0, 80);
  const holder = root.createElement('span');
  holder.style.cssText = 'position: absolute; left: 0; top: 0; visibility: hidden; white-space: pre';
  for (const letter of letters) holder.append(Object.assign(root.createElement('span'), { textContent: letter }));
  parent.append(holder);
  // Laid out now: DevTools find no font for what waits for the next picture, and some machines draw none until one is asked for.
  holder.getBoundingClientRect();

  const style = root.defaultView.getComputedStyle(parent);
  const pen = root.createElement('canvas').getContext('2d', { willReadFrequently: true });
  const side = 64;
  pen.canvas.width = side;
  pen.canvas.height = side;
  pen.font = `${style.fontStyle} ${style.fontWeight} 32px ${style.fontFamily}`;
  const look = (letter) => {
    pen.clearRect(0, 0, side, side);
    pen.fillText(letter, 8, 44);
    return pen.getImageData(0, 0, side, side).data.join();
  };
  const nothing = look('\u0378');
  // Marks and joiners are never drawn by themselves.
  const isDrawn = (point) => !/^[\p{M}\p{Cf}\p{Z}\p{Cc}\p{Emoji_Modifier}]$/u.test(point);
  const isMissing = (letter) => [...letter].some((point) => isDrawn(point) && look(point) === nothing);
  return { holder, letters, missing: letters.filter(isMissing), remove: () => holder.remove() };
};
