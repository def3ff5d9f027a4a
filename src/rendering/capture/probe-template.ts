import type { Template } from '../../templates/template.ts';

/** A corner of a frame, in tenths of its width and height, and the colour that it must show. */
export const KNOWN_COLOURS = [
  { x: 0.05, y: 0.1, colours: ['#d02040', '#2040d0'] },
  { x: 0.05, y: 0.9, colours: ['#ffffff', '#ffffff'] },
  { x: 0.95, y: 0.1, colours: ['#000000', '#000000'] },
  { x: 0.95, y: 0.9, colours: ['#20c080', '#c08020'] },
] as const;

/** Corners of known colours around all that Chromium's drawing is made of: text, curves, gradients, shadows, blending, scaling. */
const HTML = `<!doctype html><meta charset="utf-8"><style>
body { margin: 0; background: #888 }
b, i, p, svg, canvas { position: absolute; margin: 0 }
b { width: 32px; height: 36px }
#tl { left: 0; top: 0 } #tr { right: 0; top: 0; background: #000 }
#bl { left: 0; bottom: 0; background: #fff } #br { right: 0; bottom: 0 }
i { left: 60px; top: 20px; width: 90px; height: 60px; border-radius: 17px 40px; border: 1.5px solid #123;
  background: linear-gradient(70deg, #fa3, #37f 40%, #2d7); box-shadow: 3px 5px 11px rgb(0 0 0 / .4) }
#spot { left: 130px; top: 60px; width: 120px; height: 100px; border-radius: 50%; border: 0; opacity: .77; box-shadow: none;
  background: radial-gradient(circle, #fffc, #08f0 70%); mix-blend-mode: screen }
#soft { left: 200px; top: 20px; width: 40px; height: 40px; filter: blur(3px) saturate(1.4) }
p { left: 50px; top: 90px; font: 600 23px/1.2 sans-serif; color: #102030; transform-origin: 0 0; white-space: pre }
svg { left: 150px; top: 84px } canvas { left: 240px; top: 60px }
</style><b id="tl"></b><b id="tr"></b><b id="bl"></b><b id="br"></b>
<i></i><i id="spot"></i><i id="soft"></i><p>Ag&#233;&#8364; 0123\nmorrow</p>
<svg width="80" height="60" viewBox="0 0 80 60"><path d="M4 50C20 -20 40 90 76 8" fill="none" stroke="#fe6" stroke-width="5.5" stroke-linecap="round"/></svg>
<canvas width="60" height="60"></canvas>
<script>
const byId = (id) => document.getElementById(id);
const pen = document.querySelector('canvas').getContext('2d');
const draw = (t) => {
  const late = t >= 0.5;
  byId('tl').style.background = late ? '#2040d0' : '#d02040';
  byId('br').style.background = late ? '#c08020' : '#20c080';
  document.querySelector('p').style.transform = late ? 'rotate(4deg) scale(1.13)' : 'translate(0.4px, 0.3px)';
  byId('spot').style.transform = late ? 'translateX(7.5px) scale(.9)' : 'none';
  pen.clearRect(0, 0, 60, 60);
  pen.fillStyle = late ? '#e0408099' : '#40e08099';
  pen.beginPath(); pen.arc(30.5, 29.2, 21.7, 0.3, 5.1); pen.lineTo(30, 30); pen.fill();
};
window.__hf = { duration: 2, seek: draw };
draw(0);
</script>`;

/** A page of two frames for finding out what a browser can do, and which pixels it makes of the same page as others. */
export const probeTemplate = (): Template => ({
  id: 'probe',
  title: 'Probe',
  folder: '',
  source: '',
  entryPath: 'index.html',
  html: HTML,
  width: 320,
  height: 180,
  fps: 1,
  durationMs: 2000,
  frameCount: 2,
  contract: 'stock',
  repaints: 'parts',
  timelineIds: null,
  fonts: [],
  posterFrame: null,
  scenes: [],
  soundtrackParams: [],
  paramsSchema: {},
  example: {},
  placeholder: {},
  files: new Map([['index.html', Buffer.from(HTML)]]),
  digest: 'probe',
  validateParams: () => ({ ok: true, params: {} }),
});
