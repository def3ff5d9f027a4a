/** Chromium's command line. Pixels are equal on every route with these, and not with fewer. */

import { fileURLToPath } from 'node:url';
import type { Size } from '../geometry.ts';

/** Pixels that a layer may have on each side to be drawn as one tile. */
export const ONE_TILE_SIDE = 2048;

const ALWAYS = [
  // One colour space, one scale, no GPU, whole rasters: the same picture whatever was drawn before.
  '--force-color-profile=srgb',
  '--force-device-scale-factor=1',
  '--disable-gpu',
  // WebGL all the same, drawn by the processor; a page that has none is drawn as without.
  '--enable-unsafe-swiftshader',
  '--disable-partial-raster',
  // A picture is shown when all of it is drawn, and never earlier.
  '--disable-new-content-rendering-timeout',
  '--disable-checker-imaging',
  '--disable-threaded-animation',
  '--disable-threaded-scrolling',
  '--disable-image-animation-resync',
  // As fonts.conf has it for a Chromium with a window.
  '--font-render-hinting=none',
  // A tile is drawn whole when anything in it changes, and costs a walk through all that is drawn (docs/performance.md).
  ...['--default-tile-width=512', '--default-tile-height=256'],
  // No layer up to this size is cut into tiles.
  ...[`--max-untiled-layer-width=${ONE_TILE_SIDE}`, `--max-untiled-layer-height=${ONE_TILE_SIDE}`],
  '--hide-scrollbars',
  '--lang=en-US',
  // Nothing of its own accord, and no network for anybody: not even names resolve.
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-features=Translate',
  // Nothing over the page.
  '--deny-permission-prompts',
  '--block-new-web-contents',
  '--no-first-run',
  '--no-default-browser-check',
  '--mute-audio',
  '--host-resolver-rules=MAP * ~NOTFOUND',
];

const BY_ROUTE = {
  xvfb: [
    // No bar and no border, from the screen's first pixel on; and a frame as soon as there is something new to show.
    ...['--kiosk', '--window-position=0,0', '--disable-frame-rate-limit', '--disable-gpu-vsync'],
  ],
  // Not on a display: a window that shows frames at its own pace would draw all stages again and again.
  'begin-frame': [
    ...['--run-all-compositor-stages-before-draw', '--enable-begin-frame-control', '--deterministic-mode'],
  ],
  screenshot: ['--run-all-compositor-stages-before-draw'],
} as const;

export type CaptureRoute = keyof typeof BY_ROUTE;
export const CAPTURE_ROUTES = Object.keys(BY_ROUTE) as readonly CaptureRoute[];

/**
 * What keeps a page from everybody but its template, and Chromium from everybody (docs/isolation.md). None of it draws anything, so
 * none of it is part of the fingerprint. Names do not resolve (above); addresses and whatever asks for no name get nowhere by these.
 */
const ISOLATION = [
  // To nowhere, for this machine's own addresses too: the proxy's own address does not resolve.
  ...['--proxy-server=127.0.0.1:9', '--proxy-bypass-list=<-loopback>'],
  // WebRTC sends datagrams by itself, and asks for no name where it has an address. The two kinds of Chromium call it differently.
  '--webrtc-ip-handling-policy=disable_non_proxied_udp',
  '--force-webrtc-ip-handling-policy=disable_non_proxied_udp',
  '--disable-quic',
  '--no-pings',
  '--disable-domain-reliability',
  '--disable-field-trial-config',
  ...['--disable-notifications', '--disable-speech-api', '--disable-remote-playback-api', '--disable-presentation-api'],
];

export const flagsFor = (route: CaptureRoute, window: Size): readonly string[] => [
  ...ALWAYS,
  ...ISOLATION,
  ...BY_ROUTE[route],
  `--window-size=${window.width},${window.height}`,
];

/** The flags of all routes that decide pixels: part of the engine's fingerprint. */
export const ALL_FLAGS: readonly string[] = [...ALWAYS, ...Object.values(BY_ROUTE).flat()];

/** How fonts are drawn: a configuration of fontconfig (fonts-conf(5)). */
export const FONT_SETTINGS: string = fileURLToPath(new URL('./fonts.conf', import.meta.url));
