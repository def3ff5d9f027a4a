// The soundtrack of what is shown, mixed by the engine, in step with the picture while that plays at its own speed.

import { byId, h } from './dom.js';
import { ask, latestOf, madeAddress } from './server.js';

/** Params are edited letter by letter. */
const QUIET_MS = 400;
/** The ear forgives no more, and each jump can be heard. */
const DRIFT_SECONDS = 0.12;
const WORDS = { off: 'Sound off', waiting: 'Sound …', on: 'Sound on', none: 'No sound', failed: 'No sound' };

export class Sound {
  #current;
  #audio = h('audio', { hidden: true, preload: 'auto' });
  #button = h('button', { type: 'button', id: 'sound', onclick: () => this.#toggle() });
  #isOn = false;
  #job = null;
  #timer = null;
  #asked = 0;
  /** What the picture does. */
  #playback = { isPlaying: false, speed: 1, seconds: 0 };

  /** @param current gives the params that are shown. */
  constructor(current) {
    this.#current = current;
    byId('transport').append(this.#button, this.#audio);
    this.#tell('off');
  }

  /** Params or files are others now: what was made before is not their sound. */
  renew() {
    clearTimeout(this.#timer);
    this.#asked += 1;
    this.#drop();
    if (!this.#isOn) return this.#tell('off');
    this.#tell('waiting');
    this.#timer = setTimeout(() => this.#order(), QUIET_MS);
  }

  follow(playback) {
    Object.assign(this.#playback, playback);
    const { isPlaying, speed, seconds } = this.#playback;
    const audio = this.#audio;
    if (!audio.hasAttribute('src')) return;
    if (!isPlaying || speed !== 1) return audio.pause();
    if (audio.paused || Math.abs(audio.currentTime - seconds) > DRIFT_SECONDS) audio.currentTime = seconds;
    // It is refused where the next one has been asked for meanwhile.
    if (audio.paused) audio.play().catch(() => undefined);
  }

  take(job) {
    if (job.id !== this.#job || !['done', 'failed', 'cancelled'].includes(job.state)) return;
    this.#job = null;
    const [file] = job.files;
    if (file === undefined) return this.#tell(job.state === 'done' ? 'none' : 'failed', job.problem ?? '');
    this.#audio.src = madeAddress(job, file.name);
    this.#tell('on');
    this.follow({});
  }

  #toggle() {
    this.#isOn = !this.#isOn;
    this.renew();
  }

  async #order() {
    const own = this.#asked;
    try {
      const job = await ask('sounds', { params: this.#current().params });
      if (own !== this.#asked) return;
      this.#job = job.id;
      this.take(latestOf(job));
    } catch (error) {
      if (own === this.#asked) this.#tell('failed', error.message);
    }
  }

  #drop() {
    if (this.#job !== null) ask('cancel', { id: this.#job }).catch(() => undefined);
    this.#job = null;
    this.#audio.pause();
    this.#audio.removeAttribute('src');
  }

  #tell(state, why = '') {
    this.#button.dataset.state = state;
    this.#button.setAttribute('aria-pressed', String(this.#isOn));
    this.#button.textContent = WORDS[state];
    this.#button.title = why || 'The soundtrack as the engine mixes it, while the picture plays at 1×';
  }
}
