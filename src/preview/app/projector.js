// Brings the picture to what is wanted: which files, which params, which frame. One thing after the other, and of several
// wishes the last alone.

import { TemplateFrame } from './template-frame.js';

/** As the renderer has them. */
const LIMITS = { loadMs: 15_000, paramsMs: 5_000, frameMs: 10_000 };

export class Projector {
  #frame;
  #hooks;
  #template = null;
  #wanted = { load: false, params: null, frame: 0 };
  #isDue = { params: false, frame: false };
  #isRunning = false;
  /** How often something else was wanted. */
  #wishes = 0;

  /**
   * `onNote`: something the page did. `onParams`: it is to get params, or is to be loaded. `onTrouble`: a sentence, or null once there is a picture again. `onShown`: the frame that is seen.
   * `onClips`: what has a place on the timeline.
   */
  constructor(holder, hooks) {
    this.#hooks = hooks;
    this.#frame = new TemplateFrame(holder, hooks.onNote);
  }

  /** Loads the files anew; params and frame stay as wanted. */
  load(template) {
    this.#template = template;
    this.#wanted.load = true;
    this.#wishes += 1;
    this.#run();
  }

  show({ params = this.#wanted.params, frame = this.#wanted.frame }) {
    const [isOther, isElsewhere] = [params !== this.#wanted.params, frame !== this.#wanted.frame];
    this.#isDue.params ||= isOther;
    this.#isDue.frame ||= isElsewhere;
    if (isOther || isElsewhere) this.#wishes += 1;
    Object.assign(this.#wanted, { params, frame });
    this.#run();
  }

  get isBusy() {
    return this.#isRunning;
  }

  async #run() {
    if (this.#isRunning || this.#template === null || this.#wanted.params === null) return;
    this.#isRunning = true;
    try {
      while (await this.#step());
    } finally {
      this.#isRunning = false;
    }
  }

  /** Whether something was done. */
  async #step() {
    const wishes = this.#wishes;
    const { params, frame } = this.#isDue;
    try {
      if (this.#wanted.load || (params && this.#isStock) || ((params || frame) && !this.#frame.isLoaded)) {
        await this.#loadFrame();
      } else if (params) {
        this.#isDue.params = false;
        this.#hooks.onParams({ isLoad: false });
        this.#assertReady(
          await this.#call('applyParams', LIMITS.paramsMs, this.#wanted.params, this.#fonts, LIMITS.paramsMs),
        );
        this.#isDue.frame = true;
        this.#hooks.onClips(await this.#call('clips', LIMITS.paramsMs));
      } else if (frame) {
        this.#isDue.frame = false;
        const { frame: wanted } = this.#wanted;
        await this.#call('seek', LIMITS.frameMs, wanted / this.#template.fps);
        this.#frame.reveal();
        this.#hooks.onShown(wanted);
        this.#hooks.onTrouble(null);
      } else {
        return false;
      }
    } catch (error) {
      // As in a render: a page that failed is loaded afresh, for what is wanted next.
      this.#frame.forget();
      this.#hooks.onTrouble(error.message);
      return this.#wishes > wishes;
    }
    return true;
  }

  async #loadFrame() {
    this.#wanted.load = false;
    this.#isDue.params = !this.#isStock;
    this.#isDue.frame = true;
    this.#hooks.onParams({ isLoad: true });
    const variables = this.#isStock ? this.#wanted.params : null;
    await this.#frame.load({ ...this.#template, variables }, LIMITS.loadMs);
    this.#assertReady(await this.#call('ready', LIMITS.loadMs, this.#fonts, LIMITS.loadMs));
    if (this.#isStock) this.#hooks.onClips(await this.#call('clips', LIMITS.paramsMs));
  }

  #call(name, limitMs, ...args) {
    return this.#frame.call(name, args, limitMs);
  }

  get #isStock() {
    return this.#template.contract === 'stock';
  }

  get #fonts() {
    return this.#template.fonts;
  }

  #assertReady({ missing, missingFonts, brokenFonts }) {
    if (missing.length > 0) {
      const words = {
        readyEvent: "the event 'hf-params-ready'",
        timelinesBuilt: 'the end of window.__hfTimelinesBuilding',
      };
      const names = missing.map(({ kind, name }) => words[kind] ?? [kind, name].filter(Boolean).join(' '));
      throw new Error(`The template was not ready: missing ${[...new Set(names)].join(', ')}.`);
    }
    if (missingFonts.length > 0) {
      throw new Error(`Declared fonts did not load from the template's own files: ${missingFonts.join(', ')}.`);
    }
    if (brokenFonts.length > 0) throw new Error(`The file of a font cannot be read: ${brokenFonts.join(', ')}.`);
  }
}
