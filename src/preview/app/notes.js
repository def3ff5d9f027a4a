// What the template did that a render would refuse or warn of, and what it threw.

import { byId, h } from './dom.js';

export class Notes {
  #findings = {};
  #notes = new Map();
  #isLoading = true;

  constructor() {
    this.#draw();
  }

  /** Sentences by kind, as the engine has them. */
  set findings(findings) {
    this.#findings = findings;
  }

  /** What was said so far was about other params or, of a page that is loaded afresh, about other files. */
  forget({ isLoad }) {
    this.#isLoading = isLoad;
    for (const [text, { isOfLoad }] of this.#notes) if (isLoad || !isOfLoad) this.#notes.delete(text);
    this.#draw();
  }

  add(note) {
    const { weight, text } = this.#describe(note);
    // A file is asked for once, whoever's params come next.
    const isOfLoad = this.#isLoading || note.kind === 'missing' || note.kind === 'refused';
    this.#notes.set(text, { weight, isOfLoad });
    this.#draw();
  }

  #describe({ kind, what, place }) {
    switch (kind) {
      case 'found': {
        const { weight = 'warned', sentence = what } = this.#findings[what] ?? {};
        return { weight, text: `The template ${sentence}` };
      }
      case 'missing':
        return { weight: 'refused', text: `It asks for a file that is not in its folder: ${what}` };
      case 'refused':
        return {
          weight: 'refused',
          text: `It asks for something at ${what}. Put it into the template's folder: renders have no network.`,
        };
      default:
        return { weight: 'refused', text: `It threw an error${place ? ` at ${place}` : ''}: ${what}` };
    }
  }

  #draw() {
    const count = byId('note-count');
    count.textContent = this.#notes.size === 0 ? '' : String(this.#notes.size);
    count.className = [...this.#notes.values()].some(({ weight }) => weight === 'refused') ? 'refused' : 'warned';
    const items = [...this.#notes].map(([text, { weight }]) =>
      h('li', { class: weight }, h('b', {}, weight === 'refused' ? 'A render fails' : 'Look at this'), ' ', text),
    );
    byId('notes').replaceChildren(
      items.length === 0
        ? h('p', { class: 'quiet' }, 'Nothing that a render would refuse or warn of was seen so far.')
        : h('ul', {}, ...items),
    );
  }
}
