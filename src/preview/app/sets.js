// Whose params are shown: the template's own sets, and people of a file or of tonight.

import { byId, h } from './dom.js';
import { ask } from './server.js';

const TYPING_MS = 250;

export class Sets {
  #hooks;
  #sets = [];
  #select = h('select', { id: 'set', onchange: () => this.#pick(Number(this.#select.value)) });
  #people = h('div', { class: 'people' });
  #sources = '';

  /** Both are told label and params: `onPick` of what is to be seen, `onAdd` of a person who is to be on the contact sheet. */
  constructor(hooks) {
    this.#hooks = hooks;
    const step = (label, text, by) =>
      h('button', { type: 'button', 'aria-label': label, title: label, onclick: () => this.#step(by) }, text);
    byId('sets').append(
      h(
        'div',
        { class: 'picker' },
        h('label', { for: 'set' }, 'Params of'),
        this.#select,
        step('Set before', '‹', -1),
        step('Next set', '›', 1),
      ),
      this.#people,
    );
  }

  /** Of a template that was loaded. */
  offer(sets, sources) {
    this.#sets = sets;
    const shown = this.#select.value;
    this.#select.replaceChildren(
      h('option', { value: -1, hidden: true }, 'Edited'),
      ...sets.map(({ label }, index) => h('option', { value: index }, label)),
    );
    if (shown !== '') this.#select.value = shown;
    if (JSON.stringify(sources) === this.#sources) return;
    this.#sources = JSON.stringify(sources);
    this.#people.replaceChildren(...sources.map((source) => this.#search(source)));
  }

  pickFirst() {
    this.#pick(0);
  }

  /** What is shown is none of these any more: it was edited, or is somebody's. */
  markOther(label = 'Edited') {
    this.#select.options[0].textContent = label;
    this.#select.value = '-1';
  }

  #step(by) {
    const count = this.#sets.length;
    if (count > 0) this.#pick((Math.max(Number(this.#select.value), by > 0 ? -1 : 0) + by + count) % count);
  }

  #pick(index) {
    const set = this.#sets[index];
    if (set === undefined) return;
    this.#select.value = String(index);
    this.#hooks.onPick(set);
  }

  #search({ name, label, isKept }) {
    const id = `people-${name}`;
    const list = h('ul', { 'aria-label': `People of ${label}`, 'aria-live': 'polite' });
    let timer = null;
    let asked = 0;
    const find = async (again = false) => {
      asked += 1;
      const own = asked;
      list.replaceChildren(h('li', { class: 'quiet' }, 'Reading …'));
      const answer = await ask('people', { from: name, text: input.value, again }).catch((error) => ({
        problem: error.message,
      }));
      if (own === asked) list.replaceChildren(...this.#listOf(answer, label));
    };
    const input = h('input', {
      ...{ type: 'search', id, placeholder: 'ID or name', autocomplete: 'off' },
      oninput: () => {
        clearTimeout(timer);
        timer = setTimeout(find, TYPING_MS);
      },
    });
    // Tonight is read from the campaign's source: only when somebody looks.
    const details = h(
      'details',
      { ontoggle: () => details.open && list.childElementCount === 0 && find() },
      h('summary', {}, label),
      h('label', { for: id, class: 'hidden' }, `Find in ${label}`),
      input,
      isKept ? h('button', { type: 'button', class: 'again', onclick: () => find(true) }, 'Read again') : null,
      list,
    );
    return details;
  }

  #listOf({ people = [], hasMore, problem }, label) {
    if (problem) return [h('li', { class: 'error' }, problem)];
    if (people.length === 0) return [h('li', { class: 'quiet' }, 'Nobody.')];
    const items = people.map(({ recipientId, params, problem: wrong }) => {
      const words = Object.values(params).filter((value) => typeof value === 'string' || typeof value === 'number');
      const pick = () => {
        this.markOther(`${label}: ${recipientId}`);
        this.#hooks.onPick({ label: recipientId, params });
      };
      const title = `Add ${recipientId} to the contact sheet`;
      const add = h(
        'button',
        {
          ...{ type: 'button', class: 'add', title, 'aria-label': title },
          onclick: () => this.#hooks.onAdd({ label: recipientId, params }),
        },
        '+',
      );
      return h(
        'li',
        {},
        h(
          'button',
          { type: 'button', class: 'pick', onclick: pick },
          h('b', {}, recipientId),
          h('span', {}, words.join(' · ')),
          wrong ? h('span', { class: 'error' }, wrong) : null,
        ),
        wrong ? null : add,
      );
    });
    return hasMore ? [...items, h('li', { class: 'quiet' }, 'There are more: type a part of the ID or name.')] : items;
  }
}
