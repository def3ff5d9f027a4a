// Scenes, clips and sounds over the video's length, and where we are in it.

import { byId, h, timeText } from './dom.js';

/** Seconds between two ticks, so that there are eight or fewer. */
const stepFor = (seconds) => [0.25, 0.5, 1, 2, 5, 10, 30, 60, 300].find((step) => seconds / step <= 8) ?? 600;

export class Timeline {
  #scrubber;
  #template = null;
  #clips = { clips: [], sounds: [] };
  #frame = 0;
  #playhead = h('div', { class: 'playhead', 'aria-hidden': 'true' });

  /** @param onSeek is told a frame that was pointed at. */
  constructor(scrubber, onSeek) {
    this.#scrubber = scrubber;
    const root = byId('timeline');
    const follow = (event) => {
      if (event.target === scrubber || this.#template === null) return;
      const { left, width } = scrubber.getBoundingClientRect();
      onSeek(Math.round(((event.clientX - left) / width) * (this.#template.frameCount - 1)));
    };
    root.addEventListener('pointerdown', (event) => {
      if (!event.target.closest('.lane, .ruler')) return;
      root.setPointerCapture(event.pointerId);
      follow(event);
    });
    root.addEventListener('pointermove', (event) => root.hasPointerCapture(event.pointerId) && follow(event));
  }

  set template(template) {
    this.#template = template;
    this.#draw();
  }

  set clips(clips) {
    if (JSON.stringify(clips) === JSON.stringify(this.#clips)) return;
    this.#clips = clips;
    this.#draw();
  }

  set frame(frame) {
    this.#frame = frame;
    if (this.#template !== null)
      this.#playhead.style.left = this.#percent(frame / Math.max(1, this.#template.frameCount - 1));
  }

  #percent(share) {
    return `${Math.min(100, Math.max(0, share * 100))}%`;
  }

  #draw() {
    if (this.#template === null) return;
    const { scenes, fps, durationMs } = this.#template;
    const seconds = durationMs / 1000;
    const { clips, sounds } = this.#clips;
    const lanes = [
      [
        'Scenes',
        'scene',
        scenes.map(({ id, start, end, params }) => ({
          name: id,
          start: start / fps,
          end: end / fps,
          more: params.join(', ') || 'the same for all',
        })),
      ],
      ['Clips', 'clip', clips],
      ['Audio', 'sound', sounds],
    ].filter(([, , bars]) => bars.length > 0);
    const step = stepFor(seconds);
    const ticks = Array.from({ length: Math.floor(seconds / step) + 1 }, (_, index) => {
      const tick = h('span', {}, timeText(index * step).replace(/\.00$/, ''));
      tick.style.left = this.#percent((index * step) / seconds);
      return tick;
    });
    byId('timeline').replaceChildren(
      h(
        'div',
        { class: 'row' },
        h('span', { class: 'name' }),
        h('div', { class: 'ruler', 'aria-hidden': 'true' }, ticks),
      ),
      h('div', { class: 'row' }, h('label', { class: 'name', for: 'scrub' }, 'Frame'), this.#scrubber),
      ...lanes.flatMap(([name, kind, bars]) =>
        rowsOf(bars, seconds).map((row, index) => this.#lane(index === 0 ? name : '', kind, row, seconds)),
      ),
      h('div', { class: 'over' }, this.#playhead),
    );
    this.frame = this.#frame;
  }

  #lane(name, kind, bars, seconds) {
    const drawn = bars.map(({ name: label, start, end, more }) => {
      const what = `${label}: ${timeText(start)} to ${timeText(end)}${more ? ` (${more})` : ''}`;
      const bar = h('li', { class: kind, title: what }, h('span', {}, label), more ? h('small', {}, more) : null);
      bar.style.left = this.#percent(start / seconds);
      bar.style.width = this.#percent((end - start) / seconds);
      return bar;
    });
    return h(
      'div',
      { class: 'row' },
      h('span', { class: 'name' }, name),
      h('ul', { class: 'lane', 'aria-label': name || kind }, drawn),
    );
  }
}

/** Bars in as many rows as it takes for none to cover another. An end that nobody knows is the video's. */
function rowsOf(bars, seconds) {
  const rows = [];
  const whole = bars
    .map((bar) => ({
      ...bar,
      end: Math.min(seconds, Number.isFinite(bar.end) && bar.end !== null ? bar.end : seconds),
    }))
    .filter(({ start, end }) => Number.isFinite(start) && end > start)
    .sort((a, b) => a.start - b.start);
  for (const bar of whole) {
    const row = rows.find((one) => one.at(-1).end <= bar.start + 1e-6);
    if (row) row.push(bar);
    else rows.push([bar]);
  }
  return rows;
}
