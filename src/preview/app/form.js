// A form for the params that a template's JSON Schema describes. What has no plain control is edited as JSON.

import { h } from './dom.js';

const pretty = (value) => JSON.stringify(value ?? null, null, 2);
const LONG_TEXT = 120;
const UNLISTED = 'unlisted';

export class ParamsForm {
  #root;
  #onInput;
  #fields = new Map();
  #params = {};
  #whole = h('textarea', {
    id: 'whole',
    rows: 8,
    spellcheck: 'false',
    'aria-label': 'All params as JSON',
    oninput: () => this.#takeWhole(),
  });
  #wholeError = h('p', { class: 'error' });
  #general = h('p', { class: 'error', role: 'alert' });

  /** @param onInput is told the params after each edit, valid or not. */
  constructor(root, onInput) {
    this.#root = root;
    this.#onInput = onInput;
  }

  set schema(schema) {
    const required = new Set(schema.required ?? []);
    this.#fields = new Map(
      Object.entries(schema.properties ?? {}).map(([name, property]) => [
        name,
        new Field(name, property, required.has(name), () => this.#take(name)),
      ]),
    );
    this.#root.replaceChildren(
      ...[...this.#fields.values()].map(({ element }) => element),
      this.#general,
      h('details', {}, h('summary', {}, 'As JSON'), this.#whole, this.#wholeError),
    );
    this.#write();
  }

  set params(params) {
    this.#params = params;
    this.#write();
  }

  /** `errors`: path and reason, as the server's check says them. */
  showErrors(errors) {
    const left = [];
    for (const field of this.#fields.values()) field.error = '';
    for (const { path, reason } of errors) {
      const [, name = '', ...inner] = path.split('/').map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
      const field = this.#fields.get(name);
      const text = inner.length === 0 ? reason : `${inner.join('.')} ${reason}`;
      if (field) field.error = [field.error, text].filter(Boolean).join('; ');
      else left.push(reason);
    }
    this.#general.textContent = left.join('; ');
  }

  /** What was edited, and nothing else: a control may be unable to hold what another param has. */
  #take(name) {
    const { isThere, value } = this.#fields.get(name);
    const { [name]: _, ...others } = this.#params;
    // Where it stood, so that the JSON below does not jump.
    this.#params = isThere ? { ...this.#params, [name]: value } : others;
    this.#whole.value = pretty(this.#params);
    this.#wholeError.textContent = '';
    this.#onInput(this.#params);
  }

  #takeWhole() {
    try {
      const next = JSON.parse(this.#whole.value);
      if (next === null || typeof next !== 'object' || Array.isArray(next)) throw new Error('not an object');
      this.#wholeError.textContent = '';
      this.#params = next;
      for (const [name, field] of this.#fields) field.set(next[name]);
      this.#onInput(next);
    } catch {
      this.#wholeError.textContent = 'This is not a JSON object yet.';
    }
  }

  #write() {
    for (const [name, field] of this.#fields) field.set(this.#params[name]);
    this.#whole.value = pretty(this.#params);
    this.#wholeError.textContent = '';
  }
}

/** One param: its label, its control, what is wrong with it. */
class Field {
  element;
  #control;
  #schema;
  #about;
  #presence = null;
  #counter = null;
  #error;
  /** Of a choice: a value that is none of the listed ones. */
  #unlisted;

  constructor(name, schema, isRequired, onInput) {
    this.#schema = schema;
    const id = `param-${name}`;
    const [errorId, hintId] = [`${id}-error`, `${id}-hint`];
    this.#about = {
      id,
      'data-param': name,
      'aria-describedby': `${hintId} ${errorId}`,
      oninput: () => this.#changed(onInput),
    };
    this.#control = controlFor(schema, this.#about);
    this.#error = h('p', { class: 'error', id: errorId, 'aria-live': 'polite' });
    if (!isRequired) {
      this.#presence = h('input', {
        type: 'checkbox',
        'aria-label': `Give ${schema.title ?? name}`,
        oninput: () => this.#changed(onInput),
      });
    }
    if (this.#kind === 'text' && schema.maxLength) this.#counter = h('span', { class: 'counter' });
    this.element = h(
      'div',
      { class: `field ${this.#kind}` },
      h(
        'div',
        { class: 'label' },
        this.#presence,
        h('label', { for: id }, schema.title ?? name),
        h('span', { class: 'key' }, schema.title ? name : ''),
        this.#counter,
      ),
      this.#control,
      h('p', { class: 'hint', id: hintId }, hintOf(schema)),
      this.#error,
    );
  }

  get #kind() {
    return kindOf(this.#schema);
  }

  get isThere() {
    return this.#presence?.checked ?? true;
  }

  /** Whether what was typed is a value at all. */
  get isReadable() {
    return this.value !== undefined;
  }

  get value() {
    const { value, checked } = this.#control;
    switch (this.#kind) {
      case 'choice':
        return value === UNLISTED ? this.#unlisted : this.#schema.enum[Number(value)];
      case 'number':
        return value.trim() === '' ? null : Number(value);
      case 'switch':
        return checked;
      case 'text':
        return value;
      default:
        return parsed(value);
    }
  }

  set(value) {
    if (this.#presence) this.#presence.checked = value !== undefined;
    this.#control.disabled = !this.isThere;
    const isEdited = document.activeElement === this.#control && JSON.stringify(this.value) === JSON.stringify(value);
    if (!isEdited) this.#write(value);
    this.#count();
  }

  set error(text) {
    this.#error.textContent = text;
    this.#control.setAttribute('aria-invalid', String(text !== ''));
  }

  get error() {
    return this.#error.textContent;
  }

  #write(value) {
    switch (this.#kind) {
      case 'choice':
        this.#choose(value);
        break;
      case 'switch':
        this.#control.checked = value === true;
        break;
      case 'json':
        this.#control.value = value === undefined ? '' : pretty(value);
        break;
      case 'text':
        if (/[\r\n]/.test(value)) this.#makeRoom();
        this.#control.value = value ?? '';
        break;
      default:
        this.#control.value = value ?? '';
    }
  }

  #choose(value) {
    const { enum: listed } = this.#schema;
    const at = listed.findIndex((one) => JSON.stringify(one) === JSON.stringify(value));
    this.#control.querySelector(`[value=${UNLISTED}]`)?.remove();
    this.#unlisted = value;
    if (at < 0 && value !== undefined) {
      this.#control.append(h('option', { value: UNLISTED }, `${wordsOf(value)} (not in the list)`));
    }
    this.#control.value = at < 0 ? UNLISTED : String(at);
  }

  /** A field of one line takes line breaks away. */
  #makeRoom() {
    if (this.#control.matches('textarea')) return;
    const room = roomFor(this.#about);
    this.#control.replaceWith(room);
    this.#control = room;
  }

  #changed(onInput) {
    this.#control.disabled = !this.isThere;
    // Given again after there was none.
    if (this.#kind === 'choice' && this.#control.selectedIndex < 0) this.#control.selectedIndex = 0;
    this.#count();
    if (this.isThere && !this.isReadable) this.error = 'is not JSON yet';
    else onInput();
  }

  /** Characters as JSON Schema counts them: code points. */
  #count() {
    if (this.#counter) this.#counter.textContent = `${[...this.#control.value].length} / ${this.#schema.maxLength}`;
  }
}

function kindOf({ enum: listed, type }) {
  if (Array.isArray(listed)) return 'choice';
  return { string: 'text', number: 'number', integer: 'number', boolean: 'switch' }[type] ?? 'json';
}

const wordsOf = (value) => (typeof value === 'string' ? value : JSON.stringify(value));
const roomFor = (about) => h('textarea', { ...about, rows: 3 });

function controlFor(schema, about) {
  switch (kindOf(schema)) {
    case 'choice':
      return h('select', about, ...schema.enum.map((one, index) => h('option', { value: index }, wordsOf(one))));
    case 'number':
      return h('input', {
        ...about,
        type: 'number',
        min: schema.minimum,
        max: schema.maximum,
        step: schema.multipleOf ?? (schema.type === 'integer' ? 1 : 'any'),
      });
    case 'switch':
      return h('input', { ...about, type: 'checkbox' });
    case 'text':
      return schema.maxLength > LONG_TEXT
        ? roomFor(about)
        : h('input', { ...about, type: 'text', autocomplete: 'off' });
    default:
      return h('textarea', { ...about, rows: 4, spellcheck: 'false', class: 'code' });
  }
}

function hintOf({ description, minimum, maximum }) {
  const range =
    minimum !== undefined && maximum !== undefined
      ? `${minimum.toLocaleString('en')} to ${maximum.toLocaleString('en')}.`
      : '';
  return [description, range].filter(Boolean).join(' ');
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
