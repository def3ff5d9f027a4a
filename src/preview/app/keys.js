// What keys do, and the dialog that says so.

import { byId, h } from './dom.js';

const KEYS = [
  [['Space'], 'play, pause'],
  [['←', '→'], 'one frame back, on'],
  [['Shift', '← →'], 'one second back, on'],
  [['Home', 'End'], 'first, last frame'],
  [['[', ']'], 'to the scene or second before, after'],
  [['L'], 'loop or not'],
  [['?'], 'this list'],
];

const isTyping = (element) => element.matches('textarea, select, input:not([type=checkbox], [type=range])');

/** Brackets are typed with AltGr on many keyboards, which Windows tells as Ctrl and Alt, and with Option on a Mac. */
const isShortcut = ({ key, ctrlKey, metaKey, altKey }) =>
  metaKey || (['[', ']'].includes(key) ? ctrlKey && !altKey : ctrlKey || altKey);

export function listenToKeys(player) {
  const help = byId('help');
  help.append(
    h('h2', { id: 'help-title' }, 'Keys'),
    h(
      'dl',
      {},
      ...KEYS.flatMap(([keys, what]) => [
        h('dt', {}, ...keys.flatMap((key) => [h('kbd', {}, key), ' '])),
        h('dd', {}, what),
      ]),
    ),
    h(
      'form',
      { method: 'dialog' },
      h('button', { class: 'primary', autofocus: true, onclick: (event) => closeDialog(event, help) }, 'Close'),
    ),
  );
  byId('open-help').addEventListener('click', () => help.showModal());

  const actions = {
    ' ': () => player.toggle(),
    ArrowLeft: ({ shiftKey }) => (shiftKey ? player.stepSecond(-1) : player.step(-1)),
    ArrowRight: ({ shiftKey }) => (shiftKey ? player.stepSecond(1) : player.step(1)),
    Home: () => player.seek(0),
    End: () => player.seek(Number.POSITIVE_INFINITY),
    '[': () => player.jump(-1),
    ']': () => player.jump(1),
    l: () => player.toggleLoop(),
    L: () => player.toggleLoop(),
    '?': () => help.showModal(),
  };
  document.addEventListener('keydown', (event) => {
    const { key, target } = event;
    const action = actions[key];
    if (action === undefined || isShortcut(event) || help.open || isTyping(target)) return;
    // Buttons, links and boxes are pressed with it; tabs and players have arrows of their own.
    if (key === ' ' && target.matches('button, a, summary, video, input[type=checkbox]')) return;
    if (key !== ' ' && key.length > 1 && target.closest('[role=tab], video')) return;
    event.preventDefault();
    action(event);
  });
}

/** By hand: the page's policy has no forms. */
function closeDialog(event, dialog) {
  event.preventDefault();
  dialog.close();
}

/** Tabs as WAI-ARIA describes them: one in the order of Tab, arrows between them. */
export function connectTabs(list) {
  const tabs = [...list.querySelectorAll('[role=tab]')];
  const select = (chosen) => {
    for (const tab of tabs) {
      const isChosen = tab === chosen;
      tab.setAttribute('aria-selected', String(isChosen));
      tab.tabIndex = isChosen ? 0 : -1;
      byId(tab.getAttribute('aria-controls')).hidden = !isChosen;
    }
  };
  list.addEventListener('click', ({ target }) => {
    const tab = target.closest('[role=tab]');
    if (tab) select(tab);
  });
  list.addEventListener('keydown', ({ key, target }) => {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[key];
    if (by === undefined) return;
    const next = tabs[(tabs.indexOf(target) + by + tabs.length) % tabs.length];
    select(next);
    next.focus();
  });
}
