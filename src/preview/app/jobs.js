// Videos that the engine made of the params that are shown, one beside the other.

import { byId, h, sizeText } from './dom.js';
import { ask, latestOf, madeAddress } from './server.js';

const STATES = {
  waiting: 'Waits for what is made before it',
  starting: 'Starts the engine',
  failed: 'Failed',
  cancelled: 'Cancelled',
  done: 'Done',
};

/** How far something is that the engine makes; its parts stay, so that nobody's focus is lost. */
export class Progress {
  #what;
  #id = '';
  #bar = h('progress');
  #text = h('span', { role: 'status' });
  #cancel = h('button', { type: 'button', onclick: () => ask('cancel', { id: this.#id }) }, 'Cancel');
  #problem = h('p', { class: 'error', role: 'alert' });
  element = h('div', { class: 'progress' }, this.#bar, this.#text, this.#cancel, this.#problem);

  /** @param what is counted. */
  constructor(what) {
    this.#what = what;
  }

  show({ id, state, done, total, problem }) {
    this.#id = id;
    const isOpen = ['waiting', 'starting', 'working'].includes(state);
    const text = STATES[state] ?? `${done} of ${total} ${this.#what}`;
    Object.assign(this.#bar, { max: total, value: done, hidden: !isOpen, ariaLabel: text });
    this.#text.textContent = text;
    this.#cancel.hidden = !isOpen;
    this.#problem.textContent = problem ?? '';
    this.element.dataset.state = state;
  }
}

export class Renders {
  #current;
  #template = null;
  #cards = new Map();
  #choices = h('fieldset', { class: 'choices' });
  #problem = h('p', { class: 'error', role: 'alert' });
  #list = h('div', { class: 'cards' });

  /** @param current gives label and params of what is shown. */
  constructor(current) {
    this.#current = current;
    byId('renders').append(
      h(
        'div',
        { class: 'bar' },
        h('button', { type: 'button', id: 'render', class: 'primary', onclick: () => this.#start() }, 'Render this'),
        this.#choices,
      ),
      this.#problem,
      this.#list,
    );
  }

  set template(template) {
    if (JSON.stringify(template.renditions) !== JSON.stringify(this.#template?.renditions)) {
      this.#choices.replaceChildren(
        h('legend', { class: 'hidden' }, 'Renditions'),
        ...template.renditions.map(({ id, width, height }) =>
          h(
            'label',
            { class: 'inline' },
            h('input', { type: 'checkbox', name: 'rendition', value: id, checked: true }),
            ` ${id} `,
            h('small', {}, `${width}×${height}`),
          ),
        ),
      );
    }
    this.#template = template;
  }

  take(job) {
    const card = this.#cards.get(job.id);
    if (card === undefined) return;
    card.progress.show(job);
    if (job.state !== 'done' || card.films.childElementCount > 0) return;
    card.films.append(...job.files.map((file) => this.#film(job, file, card)));
    if (job.files.length > 1) {
      card.head.append(h('button', { type: 'button', onclick: () => playAll(card.films) }, 'Play all'));
    }
  }

  async #start() {
    const renditions = [...this.#choices.querySelectorAll('input:checked')].map(({ value }) => value);
    this.#problem.textContent = renditions.length === 0 ? 'Choose a rendition.' : '';
    if (renditions.length === 0) return;
    const { label, params } = this.#current();
    try {
      this.#add(await ask('renders', { params, renditions }), label);
    } catch (error) {
      this.#problem.textContent = error.message;
    }
  }

  #add(job, label) {
    const [progress, films] = [new Progress('frames'), h('div', { class: 'films' })];
    const head = h('div', { class: 'head' }, h('h3', {}, label), progress.element);
    this.#cards.set(job.id, { progress, films, head });
    this.#list.prepend(h('article', { class: 'card' }, head, films));
    this.take(latestOf(job));
  }

  #film(job, { name, sizeBytes, width, height }) {
    const address = madeAddress(job, name);
    const id = name.replace(/\.mp4$/, '');
    return h(
      'figure',
      {},
      h('video', { src: address, controls: true, preload: 'auto', playsinline: true, 'aria-label': `Video ${id}` }),
      h(
        'figcaption',
        {},
        h('b', {}, id),
        h('span', {}, `${width}×${height} · ${sizeText(sizeBytes)}`),
        h('a', { href: address, download: `${this.#template.id}-${name}` }, 'Download'),
      ),
    );
  }
}

function playAll(films) {
  for (const film of films.querySelectorAll('video')) {
    film.currentTime = 0;
    film.play();
  }
}
