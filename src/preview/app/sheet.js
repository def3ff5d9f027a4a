// A contact sheet: several sets of params at several moments, drawn by the engine.

import { byId, h, timeText } from './dom.js';
import { Progress } from './jobs.js';
import { ask, latestOf, madeAddress } from './server.js';

const MOMENTS = 4;

export class Sheet {
  #hooks;
  #template = null;
  #shown = null;
  #choices = h('fieldset', { class: 'choices' });
  #moments = h('input', { type: 'text', id: 'moments', autocomplete: 'off', 'aria-describedby': 'moments-hint' });
  #problem = h('p', { class: 'error', role: 'alert' });
  #progress = new Progress('pictures');
  #table = h('div', { class: 'sheet' });

  /** `current` and `sets` give label and params; `onPick` is told which picture is to be looked at: a set and a frame. */
  constructor(hooks) {
    this.#hooks = hooks;
    this.#progress.element.hidden = true;
    byId('sheet').append(
      h(
        'div',
        { class: 'bar' },
        h('button', { type: 'button', id: 'make-sheet', class: 'primary', onclick: () => this.#start() }, 'Draw sheet'),
        h('label', { class: 'inline' }, 'At ', this.#moments),
        h('span', { id: 'moments-hint', class: 'quiet' }, 'seconds'),
        h('button', { type: 'button', onclick: () => this.#addMoment() }, 'Add this moment'),
      ),
      this.#choices,
      this.#problem,
      this.#progress.element,
      this.#table,
    );
  }

  offer(template, sets) {
    this.#template = template;
    if (this.#moments.value === '') this.#moments.value = momentsOf(template).join(', ');
    const labels = ['As shown', ...sets.map(({ label }) => label)];
    if (
      labels.join('\n') === [...this.#choices.querySelectorAll('label')].map((one) => one.textContent.trim()).join('\n')
    )
      return;
    this.#choices.replaceChildren(
      h('legend', { class: 'hidden' }, 'Sets of params'),
      ...labels.map((label, index) =>
        h(
          'label',
          { class: 'inline' },
          h('input', { type: 'checkbox', value: index - 1, checked: index !== 0 }),
          ` ${label}`,
        ),
      ),
    );
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

  async #start() {
    const { fps, frameCount } = this.#template;
    const seconds = this.#moments.value
      .split(/[,;\s]+/)
      .filter(Boolean)
      .map(Number);
    const chosen = [...this.#choices.querySelectorAll('input:checked')].map(({ value }) => Number(value));
    const sets = chosen.map((index) => (index < 0 ? this.#hooks.current() : this.#hooks.sets()[index])).filter(Boolean);
    this.#problem.textContent = '';
    if (seconds.length === 0 || seconds.some((one) => !(one >= 0)) || sets.length === 0) {
      this.#problem.textContent = 'Give seconds, such as 1.5, 3, and choose a set.';
      return;
    }
    const frames = [...new Set(seconds.map((one) => Math.min(frameCount - 1, Math.round(one * fps))))];
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

/** The middle of each scene; of a template without scenes, moments over its length. */
function momentsOf({ scenes, fps, durationMs }) {
  const middles = scenes.map(({ start, end }) => (start + end) / 2 / fps);
  const even = Array.from({ length: MOMENTS }, (_, index) => ((index + 0.5) * durationMs) / 1000 / MOMENTS);
  return (scenes.length === 0 ? even : middles.slice(0, 8)).map((one) => Math.round(one * 100) / 100);
}
