// A contact sheet: several sets of params at several moments, drawn by the engine.

import { byId, h, timeText } from './dom.js';
import { Progress } from './jobs.js';
import { ask, latestOf, madeAddress } from './server.js';

const MOMENTS = 4;

export class Sheet {
  #hooks;
  #template = null;
  #limits = null;
  #shown = null;
  /** What a sheet can have, as `set`, `box` and `element`: what is shown, the template's own sets, what was added. */
  #current;
  #own = [];
  #added = [];
  #legend = h('legend', { class: 'hidden' }, 'Sets of params');
  #choices = h('fieldset', { class: 'choices', 'aria-describedby': 'sheet-count' });
  #count = h('p', { class: 'quiet', role: 'status', id: 'sheet-count' });
  #moments = h('input', { type: 'text', id: 'moments', autocomplete: 'off', 'aria-describedby': 'moments-hint' });
  #problem = h('p', { class: 'error', role: 'alert' });
  #progress = new Progress('pictures');
  #table = h('div', { class: 'sheet' });

  /** `current` gives label and params; `onPick` is told which picture is to be looked at: a set and a frame. */
  constructor(hooks) {
    this.#hooks = hooks;
    this.#current = this.#choice('As shown', null);
    this.#progress.element.hidden = true;
    const button = (text, onclick, more) => h('button', { type: 'button', onclick, ...more }, text);
    byId('sheet').append(
      h(
        'div',
        { class: 'bar' },
        button('Draw sheet', () => this.#start(), { id: 'make-sheet', class: 'primary' }),
        h('label', { class: 'inline' }, 'At ', this.#moments),
        h('span', { id: 'moments-hint', class: 'quiet' }, 'seconds'),
        button('Add this moment', () => this.#addMoment()),
        button('Add these params', () => this.add(this.#hooks.current()), { id: 'add-shown' }),
      ),
      this.#choices,
      this.#count,
      this.#problem,
      this.#progress.element,
      this.#table,
    );
  }

  /** Of a template that was loaded; `limits`: how many `sets` and `frames` a sheet may have. */
  offer(template, sets, limits) {
    const isFirst = this.#template === null;
    this.#template = template;
    this.#limits = limits;
    if (this.#moments.value === '') this.#moments.value = momentsOf(template, limits.frames).join(', ');
    const known = new Map(this.#own.map((choice) => [choice.set.label, choice]));
    this.#own = sets.map((set, index) => {
      const choice = known.get(set.label) ?? this.#choice(set.label, set, isFirst && index < limits.sets);
      choice.set = set;
      return choice;
    });
    this.#draw();
  }

  /** Somebody's params, or some that were edited. In a full sheet they take the place of the last of the template's own sets. */
  add({ label, params }) {
    const namesakes = this.#added.filter((one) => one.name === label);
    let choice = namesakes.find(({ set }) => JSON.stringify(set.params) === JSON.stringify(params));
    if (choice === undefined) {
      const own = namesakes.length === 0 ? label : `${label} (${namesakes.length + 1})`;
      choice = { ...this.#choice(own, { label: own, params }), name: label };
      this.#added.push(choice);
    }
    if (!choice.box.checked && this.#isFull) {
      const last = this.#own.findLast(({ box }) => box.checked);
      if (last) last.box.checked = false;
    }
    choice.box.checked ||= !this.#isFull;
    this.#draw();
  }

  take(job) {
    if (job.id !== this.#shown?.id) return;
    this.#progress.show(job);
    this.#progress.element.hidden = false;
    for (const file of job.files) this.#put(job, file);
  }

  #addMoment() {
    const seconds = Math.round((this.#hooks.frame() / this.#template.fps) * 1000) / 1000;
    this.#moments.value = [
      ...this.#moments.value
        .split(',')
        .map((one) => one.trim())
        .filter(Boolean),
      seconds,
    ].join(', ');
  }

  #choice(label, set, isChosen = false) {
    const box = h('input', { type: 'checkbox', checked: isChosen, onchange: () => this.#tell() });
    return { set, box, element: h('label', { class: 'inline' }, box, ` ${label}`) };
  }

  get #all() {
    return [this.#current, ...this.#own, ...this.#added];
  }

  get #chosen() {
    return this.#all.filter(({ box }) => box.checked);
  }

  get #isFull() {
    return this.#chosen.length >= this.#limits.sets;
  }

  #draw() {
    const elements = [this.#legend, ...this.#all.map(({ element }) => element)];
    // What stays where it is keeps the focus.
    for (const old of [...this.#choices.children]) if (!elements.includes(old)) old.remove();
    elements.forEach((element, at) => {
      if (this.#choices.children[at] !== element)
        this.#choices.insertBefore(element, this.#choices.children[at] ?? null);
    });
    this.#tell();
  }

  #tell() {
    const isFull = this.#isFull;
    for (const { box } of this.#all) box.disabled = isFull && !box.checked;
    const { sets } = this.#limits;
    this.#count.textContent = isFull
      ? `${sets} of ${this.#all.length} sets: a sheet has room for no more. Untick one to choose another.`
      : `${this.#chosen.length} of ${this.#all.length} sets; there is room for ${sets}.`;
  }

  async #start() {
    const { fps, frameCount } = this.#template;
    const seconds = this.#moments.value
      .split(/[,;\s]+/)
      .filter(Boolean)
      .map(Number);
    const sets = this.#chosen.map(({ set }) => set ?? this.#hooks.current());
    this.#problem.textContent = '';
    if (seconds.length === 0 || seconds.some((one) => !(one >= 0)) || sets.length === 0) {
      this.#problem.textContent = 'Give seconds, such as 1.5, 3, and choose a set.';
      return;
    }
    const frames = [...new Set(seconds.map((one) => Math.min(frameCount - 1, Math.round(one * fps))))];
    if (frames.length > this.#limits.frames) {
      this.#problem.textContent = `A sheet has room for ${this.#limits.frames} moments; these are ${frames.length}.`;
      return;
    }
    try {
      const job = await ask('sheets', { sets: sets.map(({ label, params }) => ({ label, params })), frames });
      this.#shown = { id: job.id, sets, cells: new Map() };
      this.#lay(sets, frames);
      this.take(latestOf(job));
    } catch (error) {
      this.#problem.textContent = error.message;
    }
  }

  #lay(sets, frames) {
    const { fps } = this.#template;
    const head = h('tr', {}, h('td', {}), ...frames.map((frame) => h('th', { scope: 'col' }, timeText(frame / fps))));
    const rows = sets.map((set, row) => {
      const cells = frames.map((frame) => {
        const cell = h('td', { class: 'waiting' });
        this.#shown.cells.set(`${row}-${frame}.jpg`, { cell, set, frame });
        return cell;
      });
      return h('tr', {}, h('th', { scope: 'row' }, set.label), ...cells);
    });
    this.#table.replaceChildren(
      h('table', {}, h('caption', { class: 'hidden' }, 'Contact sheet'), h('thead', {}, head), h('tbody', {}, rows)),
    );
  }

  #put(job, { name, width, height }) {
    const { cell, set, frame } = this.#shown.cells.get(name) ?? {};
    if (cell === undefined || cell.childElementCount > 0) return;
    const where = `${set.label} at ${timeText(frame / this.#template.fps)}`;
    cell.className = '';
    cell.append(
      h(
        'button',
        { type: 'button', title: `Show ${where}`, onclick: () => this.#hooks.onPick(set, frame) },
        h('img', { src: madeAddress(job, name), alt: where, width, height }),
      ),
    );
  }
}

/** The middle of each scene, or of so many of them as there is room for; of a template without scenes, moments over its length. */
function momentsOf({ scenes, fps, durationMs }, limit) {
  const middles = scenes.map(({ start, end }) => (start + end) / 2 / fps);
  const every = Math.max(1, middles.length / limit);
  const some = Array.from(
    { length: Math.min(limit, middles.length) },
    (_, index) => middles[Math.floor(index * every)],
  );
  const even = Array.from({ length: MOMENTS }, (_, index) => ((index + 0.5) * durationMs) / 1000 / MOMENTS);
  return (some.length === 0 ? even : some).map((one) => Math.round(one * 100) / 100);
}
