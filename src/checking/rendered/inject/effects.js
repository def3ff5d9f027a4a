// Evaluates to a function: what a document has that is dear to draw, as areas in CSS pixels of its page.
(root, stage) => {
  const view = root.defaultView;
  let [blurred, shadowed, layers] = [0, 0, 0];
  for (const element of root.querySelectorAll('*')) {
    const style = view.getComputedStyle(element);
    if (style.display === 'none' || style.visibility !== 'visible') continue;
    const { width, height } = element.getBoundingClientRect();
    const areaWith = (spread) =>
      Math.min(stage.width, width + 2 * spread) * Math.min(stage.height, height + 2 * spread);
    for (const filter of [style.filter, style.backdropFilter]) {
      const [, radius] = /\b(?:blur|drop-shadow)\(.*?([\d.]+)px\)/.exec(filter ?? '') ?? [];
      if (radius !== undefined && Number(radius) > 0) blurred += areaWith(2 * Number(radius));
    }
    const [, blur] = /(?:-?[\d.]+px ){2}([\d.]+)px/.exec(style.boxShadow) ?? [];
    if (blur !== undefined && Number(blur) > 0) shadowed += areaWith(Number(blur));
    if (
      /transform|opacity|filter/.test(style.willChange) ||
      /^matrix3d/.test(style.transform) ||
      style.backdropFilter !== 'none'
    ) {
      layers += 1;
    }
  }
  return { blurred, shadowed, layers };
};
