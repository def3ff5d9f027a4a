// Six emblems, drawn on the sun. Each returns how it looks when it is `k(i)` assembled: 0 to 1 for its i-th part, at `t` seconds.

const EMBLEMS = {
  gardener: {
    title: 'Gardener',
    motto: 'You plant early and give it time.',
    build(whole) {
      const group = svg(whole, 'g', { transform: 'translate(0 -4) scale(1.14)' });
      const stem = bar(group, INK, { x: -11, width: 22 });
      const leaf = 'M0 0A118 118 0 0 1 118 -118A118 118 0 0 1 0 0Z';
      const leaves = [
        [92, 1, PAPER],
        [92, -1, SKY],
        [-14, 1, SKY],
        [-14, -1, PAPER],
      ].map(([y, side, fill]) => ({ y, side, path: svg(group, 'path', { d: leaf, fill }) }));
      const bloom = svg(group, 'g', {});
      disc(bloom, PAPER, { r: 74 });
      disc(bloom, INK, { r: 27 });
      const soil = svg(group, 'path', { d: 'M-170 0A170 62 0 0 1 170 0Z', fill: INK, transform: 'translate(0 222)' });
      return (k, t) => {
        place(soil, { transform: `translate(0 222) scale(${num(k(0))} ${num(k(0))})` });
        const height = 360 * k(1);
        place(stem, { y: 200 - height, height });
        leaves.forEach(({ y, side, path }, i) => {
          const size = k(2 + i * 0.6);
          const sway = 3 * Math.sin(t * 2 + i);
          path.setAttribute(
            'transform',
            `translate(0 ${y}) rotate(${num(sway * side)}) scale(${num(side * size)} ${num(size)})`,
          );
        });
        pose(bloom, { y: -166, scale: k(4.5) });
      };
    },
  },
  navigator: {
    title: 'Navigator',
    motto: 'New streets are where you feel at home.',
    build(group) {
      const dial = svg(group, 'g', {});
      disc(dial, PAPER, { r: 236 });
      const ticks = Array.from({ length: 24 }, (_, i) =>
        bar(dial, INK, { x: -4, y: -214, width: 8, height: i % 6 === 0 ? 44 : 22, transform: `rotate(${i * 15})` }),
      );
      const needle = svg(group, 'g', {});
      svg(needle, 'path', { d: 'M0 -178L40 0H-40Z', fill: SUN });
      svg(needle, 'path', { d: 'M0 178L40 0H-40Z', fill: INK });
      disc(needle, PAPER, { r: 13 });
      return (k, t) => {
        pose(dial, { scale: k(0), turn: 40 * (1 - k(0)) });
        ticks.forEach((tick, i) => {
          tick.setAttribute('opacity', num(clamp01(k(1) * 26 - i)));
        });
        pose(needle, { scale: k(2), turn: 38 + 160 * swing(t - 0.6, 6, 2.6) });
      };
    },
  },
  lighthouse: {
    title: 'Lighthouse',
    motto: 'Steady, whatever the weather does.',
    build(group) {
      const beams = svg(group, 'g', {});
      svg(beams, 'path', { d: 'M0 0L330 -84V84Z', fill: PAPER });
      svg(beams, 'path', { d: 'M0 0L-330 -84V84Z', fill: PAPER });
      const tower = svg(group, 'g', {});
      svg(tower, 'path', { d: 'M-46 -110H46L82 190H-82Z', fill: SKY });
      svg(tower, 'path', { d: 'M-56.8 -20H56.8L66.4 60H-66.4Z', fill: INK });
      svg(tower, 'path', { d: 'M-74.8 130H74.8L82 190H-82Z', fill: INK });
      const lamp = svg(group, 'g', {});
      bar(lamp, INK, { x: -68, y: -16, width: 136, height: 20 });
      bar(lamp, PAPER, { x: -36, y: -78, width: 72, height: 62 });
      svg(lamp, 'path', { d: halfDisc(48), fill: INK, transform: 'translate(0 -78)' });
      const rock = svg(group, 'path', { d: halfDisc(170), fill: INK });
      return (k, t) => {
        rock.setAttribute('transform', `translate(0 238) scale(${num(k(0))} ${num(0.42 * k(0))})`);
        tower.setAttribute('transform', `translate(0 ${num(190 * (1 - k(1)))}) scale(${num(Math.max(0.001, k(1)))})`);
        pose(lamp, { y: -110, scale: k(2) });
        pose(beams, { y: -156, scale: k(3), turn: -14 + 9 * Math.sin(t * 1.5) });
      };
    },
  },
  comet: {
    title: 'Comet',
    motto: 'Bright, quick and never on schedule.',
    build(group) {
      const turned = svg(group, 'g', { transform: 'translate(6 -6) rotate(-40) scale(1.24)' });
      const tails = [
        [-74, 330, 44, SKY],
        [0, 430, 60, PAPER],
        [76, 280, 44, INK],
      ].map(([y, reach, width, stroke]) => ({
        y,
        reach,
        path: svg(turned, 'path', { fill: 'none', stroke, 'stroke-width': width, 'stroke-linecap': 'round' }),
      }));
      const head = svg(turned, 'g', {});
      disc(head, PAPER, { r: 116 });
      disc(head, INK, { r: 62 });
      return (k, t) => {
        pose(head, { x: 120, scale: k(0) });
        tails.forEach(({ y, reach, path }, i) => {
          const end = 110 - Math.max(1, reach * k(1 + i) * (1 + 0.05 * Math.sin(t * 7 + 2 * i)));
          path.setAttribute('d', `M110 ${y}H${num(end)}`);
          path.setAttribute('visibility', k(1 + i) > 0.02 ? 'inherit' : 'hidden');
        });
      };
    },
  },
  architect: {
    title: 'Architect',
    motto: 'Every goal a plan, every plan a date.',
    build(whole) {
      const group = svg(whole, 'g', { transform: 'translate(0 30) scale(1.16)' });
      const ground = bar(group, INK, { y: 150, height: 26 });
      const arches = [
        [218, INK],
        [162, PAPER],
        [106, SKY],
        [50, INK],
      ].map(([r, fill]) => ({
        r,
        path: svg(group, 'path', { d: `M${-r} 0V-40A${r} ${r} 0 0 1 ${r} -40V0Z`, fill }),
      }));
      return (k) => {
        place(ground, { x: -260 * k(0), width: 520 * k(0) });
        arches.forEach(({ path }, i) => {
          const grown = Math.max(0.001, k(1 + i));
          path.setAttribute('transform', `translate(0 151) scale(${num(0.6 + 0.4 * grown)} ${num(grown)})`);
        });
      };
    },
  },
  'night-owl': {
    title: 'Night Owl',
    motto: 'Your good ideas come after dark.',
    build(group) {
      const body = svg(group, 'g', {});
      svg(body, 'path', { d: 'M-176 -220L-20 -150H20L176 -220V60A176 176 0 0 1 -176 60Z', fill: INK });
      svg(body, 'path', { d: 'M-92 206A92 124 0 0 1 92 206Z', fill: SKY });
      const eyes = [-88, 88].map((x) => {
        const eye = svg(group, 'g', {});
        disc(eye, PAPER, { r: 86 });
        return { x, eye, pupil: disc(eye, INK, { r: 40 }) };
      });
      const beak = svg(group, 'path', { d: 'M-30 0H30L0 58Z', fill: SUN });
      return (k, t) => {
        pose(body, { y: 40 * (1 - k(0)), scale: k(0) });
        const look = 26 * Math.sin(Math.max(0, t - 0.9) * 2.4);
        eyes.forEach(({ x, eye, pupil }, i) => {
          pose(eye, { x, y: -52, scale: k(1 + i) });
          place(pupil, { cx: look, cy: 4 });
        });
        pose(beak, { y: 14, scale: k(3) });
      };
    },
  },
};
