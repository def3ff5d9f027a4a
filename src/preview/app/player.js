// Where in the video we are, and moving on by itself.

import { byId, h, icon, timeText } from './dom.js';

const SPEEDS = [0.25, 0.5, 1, 2];

export class Player {
  #hooks;
  #facts = { fps: 30, frameCount: 1, marks: [0] };
  #frame = 0;
  #speed = 1;
  #loops = true;
  /** While it plays: the frame and the time from which it is counted. */
  #since = null;
  #next = 0;
  #parts;

  /** `onFrame` is told the frame that is to be seen; `onPlay`: whether it moves by itself, and how fast. */
  constructor(hooks) {
    this.#hooks = hooks;
    const button = (label, drawing, onclick) =>
      h('button', { type: 'button', 'aria-label': label, title: label, onclick }, icon(drawing));
    const play = h(
      'button',
      { type: 'button', id: 'play', class: 'primary', 'aria-label': 'Play', onclick: () => this.toggle() },
      icon('play'),
    );
    const scrub = h('input', {
      ...{ type: 'range', id: 'scrub', min: 0, step: 1, value: 0, 'aria-label': 'Frame' },
      oninput: () => this.seek(Number(scrub.value)),
    });
    const time = h('output', { id: 'time', for: 'scrub' });
    const speed = h(
      'select',
      { id: 'speed', onchange: () => this.#setSpeed(Number(speed.value)) },
      ...SPEEDS.map((one) => h('option', { value: one, selected: one === 1 }, `${one}×`)),
    );
    const loop = h('input', {
      type: 'checkbox',
      id: 'loop',
      checked: true,
      onchange: () => this.#setLoops(loop.checked),
    });
    this.#parts = { play, scrub, time, loop };
    byId('transport').append(
      button('First frame', 'first', () => this.seek(0)),
      button('One frame back', 'back', () => this.step(-1)),
      play,
      button('One frame on', 'on', () => this.step(1)),
      button('Last frame', 'last', () => this.seek(Number.POSITIVE_INFINITY)),
      time,
      h('label', { class: 'inline' }, 'Speed ', speed),
      h('label', { class: 'inline' }, loop, ' Loop'),
    );
  }

  /** Goes under the marks of the timeline. */
  get scrubber() {
    return this.#parts.scrub;
  }

  get frame() {
    return this.#frame;
  }

  /** Of a template that was loaded; `marks`: frames where something begins. */
  set facts(facts) {
    this.#facts = facts;
    this.#parts.scrub.max = facts.frameCount - 1;
    this.seek(this.#frame);
  }

  toggle() {
    if (this.#since !== null) return this.pause();
    if (this.#frame >= this.#facts.frameCount - 1) this.seek(0);
    this.#restart();
    this.#tellPlay();
    this.#next = requestAnimationFrame(() => this.#advance());
  }

  pause() {
    this.#since = null;
    cancelAnimationFrame(this.#next);
    this.#tellPlay();
  }

  seek(frame) {
    this.#show(frame);
    if (this.#since !== null) this.#restart();
  }

  step(frames) {
    this.pause();
    this.#show(this.#frame + frames);
  }

  stepSecond(direction) {
    this.step(direction * this.#facts.fps);
  }

  /** To where the scene or second before or after this one begins. */
  jump(direction) {
    const { marks, frameCount } = this.#facts;
    const next =
      direction > 0 ? marks.find((mark) => mark > this.#frame) : marks.findLast((mark) => mark < this.#frame);
    this.seek(next ?? (direction > 0 ? frameCount - 1 : 0));
  }

  toggleLoop() {
    this.#setLoops(!this.#loops);
  }

  #setLoops(loops) {
    this.#loops = loops;
    this.#parts.loop.checked = loops;
  }

  #setSpeed(speed) {
    this.#speed = speed;
    this.#tellPlay();
    if (this.#since !== null) this.#restart();
  }

  #restart() {
    this.#since = { frame: this.#frame, ms: performance.now() };
  }

  #advance() {
    if (this.#since === null) return;
    const { frame, ms } = this.#since;
    const { fps, frameCount } = this.#facts;
    const next = frame + Math.floor(((performance.now() - ms) * fps * this.#speed) / 1000);
    if (next < frameCount) this.#show(next);
    else if (this.#loops) this.seek(0);
    else {
      this.#show(frameCount - 1);
      this.pause();
      return;
    }
    this.#next = requestAnimationFrame(() => this.#advance());
  }

  #show(frame) {
    const { frameCount, fps } = this.#facts;
    this.#frame = Math.min(frameCount - 1, Math.max(0, frame));
    const { scrub, time } = this.#parts;
    scrub.value = this.#frame;
    scrub.setAttribute('aria-valuetext', `Frame ${this.#frame}, ${timeText(this.#frame / fps)}`);
    time.value = `${timeText(this.#frame / fps)} · ${String(this.#frame).padStart(String(frameCount).length, ' ')} / ${frameCount - 1}`;
    this.#hooks.onFrame(this.#frame);
  }

  #tellPlay() {
    const { play } = this.#parts;
    const label = this.#since === null ? 'Play' : 'Pause';
    play.setAttribute('aria-label', label);
    play.title = label;
    play.replaceChildren(icon(this.#since === null ? 'play' : 'pause'));
    this.#hooks.onPlay({ isPlaying: this.#since !== null, speed: this.#speed });
  }
}
