// The preview: what its parts tell each other.

import { byId, h } from './dom.js';
import { ParamsForm } from './form.js';
import { Renders } from './jobs.js';
import { connectTabs, listenToKeys } from './keys.js';
import { Notes } from './notes.js';
import { Player } from './player.js';
import { Projector } from './projector.js';
import { ask, getState, listen } from './server.js';
import { Sets } from './sets.js';
import { Sheet } from './sheet.js';
import { Sound } from './sound.js';
import { Timeline } from './timeline.js';

const CHECK_MS = 80;

/** What is shown: `params` are the last that were valid. */
const shown = { label: 'Example', params: null };
/** What stands in the form, valid or not. */
let edited = { label: 'Example', params: null };
let template = null;
let schemaText = '';

const notes = new Notes();
const projector = new Projector(byId('holder'), {
  onNote: (note) => notes.add(note),
  onParams: (how) => notes.forget(how),
  onTrouble: (sentence) => tellTrouble('picture', sentence),
  onClips: (clips) => {
    timeline.clips = clips;
  },
  onShown: (frame) => {
    byId('stage').dataset.frame = frame;
    timeline.frame = frame;
  },
});
const player = new Player({
  onFrame: (frame) => {
    projector.show({ frame });
    if (template !== null) sound.follow({ seconds: frame / template.fps });
  },
  onPlay: (playback) => sound.follow(playback),
});
const sound = new Sound(() => shown);
const timeline = new Timeline(player.scrubber, (frame) => player.seek(frame));
const form = new ParamsForm(byId('form'), (params) => {
  sets.markOther();
  edit('Edited', params);
});
const sets = new Sets({
  onPick: ({ label, params }) => pick(label, params),
  onAdd: (set) => {
    sheet.add(set);
    byId('tab-sheet').click();
  },
});
const current = () => ({ label: shown.label, params: shown.params });
const renders = new Renders(current);
const sheet = new Sheet({
  current,
  frame: () => player.frame,
  onPick: ({ label, params }, frame) => {
    sets.markOther(label);
    pick(label, params);
    player.seek(frame);
  },
});
listenToKeys(player);
connectTabs(document.querySelector('[role=tablist]'));

function pick(label, params) {
  form.params = params;
  edit(label, params, 0);
}

let checking = 0;
let checkTimer = null;
/** Shows params once the server has found them valid; what is wrong with them stands in the form. */
function edit(label, params, delayMs = CHECK_MS) {
  edited = { label, params };
  checking += 1;
  const own = checking;
  clearTimeout(checkTimer);
  checkTimer = setTimeout(async () => {
    const { errors } = await ask('check', { params }).catch((error) => ({
      errors: [{ path: '/', reason: error.message }],
    }));
    if (own !== checking) return;
    form.showErrors(errors);
    tellTrouble(
      'params',
      errors.length === 0 ? null : 'These params are not valid: the picture is of the last that were.',
    );
    if (errors.length > 0) return;
    Object.assign(shown, { label, params });
    sound.renew();
    projector.show({ params });
  }, delayMs);
}

const troubles = new Map();
/** By what it is about; null: that is over. */
function tellTrouble(about, sentence) {
  if (sentence === null) troubles.delete(about);
  else troubles.set(about, sentence);
  const box = byId('trouble');
  box.replaceChildren(...[...troubles.values()].map((one) => h('p', {}, one)));
  box.hidden = troubles.size === 0;
}

/** Scales the frame, which is of the template's own size, to the room there is. */
function fitPicture() {
  if (template === null) return;
  const { clientWidth, clientHeight } = byId('stage');
  const scale = Math.min(clientWidth / template.width, clientHeight / template.height);
  const { style } = byId('holder');
  style.width = `${template.width}px`;
  style.height = `${template.height}px`;
  style.transform = `translate(-50%, -50%) scale(${scale})`;
  byId('scale').textContent = `${Math.round(scale * 100)} %`;
}
new ResizeObserver(fitPicture).observe(byId('stage'));

/** The template as it lies on disk now; time and params stay. */
async function load() {
  const state = await getState();
  tellTrouble('template', state.problem);
  byId('status').textContent = state.problem === null ? 'Live' : 'Broken';
  document.body.dataset.version = state.version;
  if (state.template === null) return;
  const isFirst = template === null;
  template = state.template;
  const { title, width, height, fps, frameCount, durationMs, scenes, paramsSchema } = template;
  document.title = `${title} · Nightreel preview`;
  byId('title').textContent = title;
  byId('facts').replaceChildren(
    `${width}×${height} · ${fps} fps · ${durationMs / 1000} s · ${frameCount} frames · `,
    h('span', { id: 'scale' }),
  );
  notes.findings = state.findings;
  const seconds = Array.from({ length: Math.ceil(frameCount / fps) }, (_, index) => index * fps);
  player.facts = { fps, frameCount, marks: scenes.length > 0 ? scenes.map(({ start }) => start) : seconds };
  timeline.template = template;
  sets.offer(state.sets, state.people);
  sheet.offer(template, state.sets, state.limits);
  renders.template = template;
  // Made anew it would lose what somebody is typing in.
  if (JSON.stringify(paramsSchema) !== schemaText) form.schema = paramsSchema;
  schemaText = JSON.stringify(paramsSchema);
  fitPicture();
  // What lies there now cannot be read: the picture stays that of what could.
  if (state.problem === null || isFirst)
    projector.load({ ...template, address: state.frame, origin: state.frameOrigin });
  if (isFirst) {
    sets.pickFirst();
  } else {
    // The schema may be another now.
    edit(edited.label, edited.params, 0);
  }
}

listen({
  template: load,
  missing: ({ path }) => notes.add({ kind: 'missing', what: path }),
  job: (job) => ({ render: renders, sheet, sound })[job.kind].take(job),
  lost: () => {
    byId('status').textContent = 'The server is gone';
  },
  // Also after a pause in which something may have changed.
  back: load,
});
