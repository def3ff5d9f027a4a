import type { Template } from '../../templates/template.ts';

const HTML = `<!doctype html><body style="margin:0"><script>
const draw = (t) => { document.body.style.background = t < 0.5 ? '#d02040' : '#2040d0'; };
window.__hf = { duration: 2, seek: draw };
draw(0);
</script></body>`;

/** A page of two frames, red and blue, for finding out what a browser can do. */
export const probeTemplate = (): Template => ({
  id: 'probe',
  title: 'Probe',
  folder: '',
  entryPath: 'index.html',
  html: HTML,
  width: 320,
  height: 180,
  fps: 1,
  durationMs: 2000,
  frameCount: 2,
  contract: 'stock',
  fonts: [],
  posterFrame: null,
  paramsSchema: {},
  example: {},
  placeholder: {},
  files: new Map([['index.html', Buffer.from(HTML)]]),
  digest: 'probe',
  validateParams: () => ({ ok: true, params: {} }),
});
