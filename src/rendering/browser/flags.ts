/** Chromium's command line. Pixels are equal on every route, forwards, backwards and repeated, with these and not with fewer. */

const ALWAYS = [
  // One colour space, one scale, no GPU, whole rasters: the same picture whatever was drawn before.
  '--force-color-profile=srgb',
  '--force-device-scale-factor=1',
  '--disable-gpu',
  '--disable-partial-raster',
  // A picture is shown when all of it is drawn, and never earlier: without these some pixels are one level off now and then.
  '--run-all-compositor-stages-before-draw',
  '--disable-new-content-rendering-timeout',
  '--disable-checker-imaging',
  '--disable-threaded-animation',
  '--disable-threaded-scrolling',
  '--disable-image-animation-resync',
  '--hide-scrollbars',
  '--lang=en-US',
  // Nothing of its own accord, and no network for anybody: not even names resolve.
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-features=Translate',
  '--no-first-run',
  '--no-default-browser-check',
  '--mute-audio',
  '--host-resolver-rules=MAP * ~NOTFOUND',
  '--window-size=1920,1080',
];

const BEGIN_FRAME = ['--enable-begin-frame-control', '--deterministic-mode'];

export type CaptureRoute = 'begin-frame' | 'screenshot';

/** The flags that decide pixels: part of the engine's fingerprint. */
export const flagsFor = (route: CaptureRoute): readonly string[] =>
  route === 'begin-frame' ? [...ALWAYS, ...BEGIN_FRAME] : ALWAYS;
