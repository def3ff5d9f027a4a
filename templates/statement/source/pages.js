// The scenes that are mostly words: hello, the insight, the sign-off.

function createHello() {
  const $ = (id) => document.getElementById(id);
  let name;
  let monthName;
  return {
    set({ language, name: who, month }) {
      const words = LANGUAGES[language];
      const formats = formatsOf(language);
      $('hello-lead').textContent = words.hello;
      const like = KANA.test(who) ? 'display ja' : 'display';
      $('name').classList.toggle('ja', KANA.test(who));
      name = setLines($('name'), who, {
        width: 912,
        height: 470,
        largest: 196,
        smallest: 60,
        whole: 96,
        tight: 0.98,
        like,
      });
      $('month-lead').textContent = words.month;
      monthName = setLines($('month-name'), formats.monthName(month), {
        width: 912,
        height: 280,
        largest: 240,
        smallest: 90,
        whole: 90,
        tight: 1,
        like: 'display',
      });
      $('year').textContent = formats.year(month);
    },
    draw(t) {
      const leave = EASE.leave(span(t, 1.98, 0.34));
      const lead = EASE.settle(span(t, 0.2, 0.8));
      $('hello-lead').style.opacity = num(EASE.gentle(span(t, 0.2, 0.4)));
      $('hello-lead').style.transform = `translateY(${Math.round(40 * (1 - lead))}px)`;
      name.show(t - 0.3);
      slide($('month-lead'), EASE.settle(span(t, 0.5, 0.8)));
      monthName.show(t - 0.58);
      slide($('year'), EASE.settle(span(t, 0.7, 0.8)));
      const top = document.querySelector('#scene-hello .top');
      top.style.opacity = num(1 - leave);
      top.style.transform = `translateY(${Math.round(-90 * leave)}px)`;
      $('month').style.opacity = num(1 - leave);
      $('month').style.transform = `translateY(${Math.round(90 * leave)}px)`;
    },
  };
}

function createInsight() {
  const $ = (id) => document.getElementById(id);
  const bars = [0, 1].map(() => svg($('bars'), 'rect', { height: 4 * MARK.unit, rx: 2 * MARK.unit, fill: COLOUR.ink }));
  let lines;
  return {
    set({ language, insight }) {
      $('insight-lead').textContent = LANGUAGES[language].insight;
      const like = KANA.test(insight) ? 'display ja' : 'display';
      $('insight').classList.toggle('ja', KANA.test(insight));
      lines = setLines(
        $('insight'),
        insight,
        { width: 912, height: 1040, largest: 156, smallest: 56, whole: 72, tight: 1.06, like },
        true,
      );
    },
    draw(t) {
      slide($('insight-lead'), EASE.settle(span(t, 0.02, 0.8)));
      lines.show(t - 0.1, 0.08);
      const leave = EASE.leave(span(t, 2.4, 0.28));
      for (const id of ['insight', 'insight-lead-clip']) {
        $(id).style.opacity = num(1 - leave);
        $(id).style.transform = `translateY(${Math.round(-80 * leave)}px)`;
      }
      bars.forEach((bar, i) => {
        const width = (i === 0 ? 44 : 24) * MARK.unit * EASE.settle(span(t, 0.35 + 0.12 * i, 0.9));
        const up = EASE.camera(span(t, 2.54, 0.42));
        const y = mix(1560 + 8 * MARK.unit * i, MARK.y + (4 + 8 * i) * MARK.unit, up);
        put(bar, {
          x: num(540 - width / 2),
          width: num(width),
          y: Math.round(y),
          visibility: width > 0 ? 'inherit' : 'hidden',
        });
      });
    },
  };
}

function createSignOff() {
  const $ = (id) => document.getElementById(id);
  const drawing = $('mark');
  const sun = svg(drawing, 'circle', { cx: MARK.x, cy: MARK.y, fill: COLOUR.sun });
  const water = svg(drawing, 'rect', { x: 0, width: WIDTH, fill: COLOUR.paper });
  const bars = [44, 24].map((units, i) =>
    svg(drawing, 'rect', {
      x: MARK.x - (units / 2) * MARK.unit,
      y: MARK.y + (4 + 8 * i) * MARK.unit,
      width: units * MARK.unit,
      height: 4 * MARK.unit,
      rx: 2 * MARK.unit,
      fill: COLOUR.ink,
    }),
  );
  const ground = svg(drawing, 'rect', { x: 0, width: WIDTH, height: HEIGHT, fill: COLOUR.pine });
  let goodbye;
  return {
    set({ language }) {
      goodbye = setLines($('goodbye'), LANGUAGES[language].goodbye, {
        width: 912,
        height: 220,
        largest: 96,
        smallest: 60,
        whole: 60,
        tight: 1.06,
        like: 'display',
      });
    },
    draw(t) {
      const shrink = EASE.camera(span(t, 0, 0.72));
      put(sun, { r: num(mix(1300, 16 * MARK.unit, shrink)) });
      const level = EASE.settle(span(t, 0.46, 0.75));
      const depth = Math.round(mix(17 * MARK.unit, 0, level));
      put(water, { y: MARK.y + depth, height: 600, visibility: t > 0.46 ? 'inherit' : 'hidden' });
      put(ground, { y: Math.round(mix(HEIGHT, 1450, EASE.settle(span(t, 0.5, 0.9)))) });
      for (const bar of bars) bar.setAttribute('visibility', 'inherit');
      const word = EASE.settle(span(t, 0.62, 0.8));
      $('wordmark').style.opacity = num(EASE.gentle(span(t, 0.62, 0.4)));
      $('wordmark').style.transform = `translateY(${Math.round(40 * (1 - word))}px)`;
      goodbye.show(t - 0.8);
      slide($('address'), EASE.settle(span(t, 1, 0.8)));
    },
  };
}
