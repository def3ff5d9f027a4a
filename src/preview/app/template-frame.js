// The template in a frame of exactly its own size, of another origin. It is called as the renderer calls it, by a port.

import { h } from './dom.js';

/** A page that answers may still be a little late. */
const GRACE_MS = 1_500;

export class TemplateFrame {
  #holder;
  #onNote;
  #element = null;
  #port = null;
  #waiting = new Map();
  #lastId = 0;

  /** @param onNote is told what the page throws, is refused or is found to do. */
  constructor(holder, onNote) {
    this.#holder = holder;
    this.#onNote = onNote;
  }

  /** Loads the template afresh, below what is shown now. `variables`: the params of a stock composition. */
  async load({ address, origin, width, height, variables }, limitMs) {
    this.#drop(new Error('The template was loaded anew.'));
    const element = h('iframe', {
      title: 'Template',
      sandbox: 'allow-scripts allow-same-origin',
      tabindex: -1,
      name: variables === null ? '' : JSON.stringify(variables),
      src: address,
      width,
      height,
    });
    const loaded = new Promise((resolve) => element.addEventListener('load', resolve, { once: true }));
    for (const old of [...this.#holder.children].slice(0, -1)) old.remove();
    this.#holder.prepend(element);
    await within(limitMs, loaded, `The template did not load within ${limitMs} ms.`);
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = ({ data }) => (data.note ? this.#onNote(data.note) : this.#take(data));
    element.contentWindow.postMessage({ type: 'nightreel-port' }, origin, [port2]);
    this.#port = port1;
    this.#element = element;
  }

  get isLoaded() {
    return this.#port !== null;
  }

  /** Shows what was loaded last, and nothing else. */
  reveal() {
    for (const one of [...this.#holder.children]) if (one !== this.#element) one.remove();
  }

  async call(name, args, limitMs) {
    const port = this.#port;
    this.#lastId += 1;
    const id = this.#lastId;
    const answer = new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
    port.postMessage({ id, call: name, args });
    try {
      return await within(
        limitMs + GRACE_MS,
        answer,
        `The template did not answer within ${limitMs} ms. Look for a loop that never ends.`,
      );
    } finally {
      this.#waiting.delete(id);
    }
  }

  /** It is not called again before it was loaded afresh. */
  forget() {
    this.#drop(new Error('The template was given up.'));
  }

  #take({ id, value, error }) {
    const waiting = this.#waiting.get(id);
    if (error === undefined) waiting?.resolve(value);
    else waiting?.reject(new Error(error));
  }

  #drop(why) {
    this.#port?.close();
    this.#port = null;
    for (const { reject } of this.#waiting.values()) reject(why);
    this.#waiting.clear();
  }
}

async function within(limitMs, work, message) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(message)), limitMs);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
