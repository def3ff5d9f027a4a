/** The rules of the checks that need no drawing, and of scenes: what each means to a night, and what to do about it. Pure data. */

import type { Finding, Severity } from './finding.ts';

export interface Place {
  readonly file: string | null;
  readonly line: number | null;
}

interface RuleDescription {
  readonly severity: Severity;
  readonly why: string;
  readonly fix: string;
}

const describe = <const T extends Record<string, RuleDescription>>(rules: T): T => rules;

const FAILS = 'Every render fails.';
const UNBOUNDED = 'One row of a night may hold far more than the layout was made for, and nothing refuses it.';

export const RULES = describe({
  'template-json': {
    severity: 'error',
    why: 'The template cannot be loaded: no video is rendered.',
    fix: 'Correct it; docs/reference/template.md lists the fields.',
  },
  'entry-missing': {
    severity: 'error',
    why: 'There is no page to draw: no video is rendered.',
    fix: 'Correct `entry`, or add the file.',
  },
  encoding: {
    severity: 'error',
    why: 'The page is read as UTF-8: what is not shows as � in every video.',
    fix: 'Save the file as UTF-8.',
  },
  'script-syntax': {
    severity: 'error',
    why: 'The browser leaves the whole script out, so nothing that it does happens.',
    fix: 'Correct the script.',
  },
  'composition-unreadable': {
    severity: 'error',
    why: 'Without a template.json the composition says what it is by its own attributes. It cannot be loaded: no video is rendered.',
    fix: 'Correct it, or add a template.json; docs/compatibility.md says what is read from a composition.',
  },
  'composition-missing': {
    severity: 'error',
    why: `A stock composition is driven by the HyperFrames runtime, which finds it by that attribute. ${FAILS}`,
    fix: 'Give the root element data-composition-id, data-width, data-height and data-duration.',
  },
  'composition-size': {
    severity: 'error',
    why: "The page is shown in a frame of template.json's size: every video is cut off or has an empty edge.",
    fix: 'Let both say the same.',
  },
  'composition-duration': {
    severity: 'error',
    why: 'template.json is what counts: every video is cut short, or stands still at its end.',
    fix: 'Let both say the same.',
  },
  'timeline-missing': {
    severity: 'error',
    why: 'The engine has nothing to move the page by and waits for it until the load fails.',
    fix: 'Register `window.__timelines[id]`, set `window.__hf.seek`, or put data-no-timeline on a composition that moves by CSS alone.',
  },
  'params-message': {
    severity: 'error',
    why: "A warm page is loaded once and gets everybody's params by message. Without a listener no video is personal.",
    fix: 'Listen to `message`, take `event.data.params` of type \'hf-params\', or declare "contract": "stock".',
  },
  'params-ready': {
    severity: 'error',
    why: 'The engine waits for the answer; every render fails with TemplateNotReady after 5 s.',
    fix: "Call `window.dispatchEvent(new Event('hf-params-ready'))` once the page shows the params.",
  },
  'params-schema': {
    severity: 'error',
    why: 'Nothing can be validated by it: the template cannot be loaded.',
    fix: 'Make it a JSON Schema, draft 2020-12.',
  },
  'example-invalid': {
    severity: 'error',
    why: 'The template cannot be loaded: no video is rendered.',
    fix: 'Correct the example, or the schema.',
  },
  'placeholder-invalid': {
    severity: 'error',
    why: 'Browsers are warmed with the placeholder, and scenes show it: the template cannot be loaded.',
    fix: 'Correct the placeholder, or the schema.',
  },
  'unbounded-string': {
    severity: 'warning',
    why: UNBOUNDED,
    fix: 'Add maxLength: the longest that still fits.',
  },
  'unbounded-number': { severity: 'warning', why: UNBOUNDED, fix: 'Add minimum and maximum.' },
  'unbounded-array': {
    severity: 'warning',
    why: UNBOUNDED,
    fix: 'Add maxItems.',
  },
  'open-object': {
    severity: 'warning',
    why: 'A misspelt column passes as a param that nothing shows, and makes videos differ that look the same.',
    fix: 'Add "additionalProperties": false.',
  },
  nullable: {
    severity: 'warning',
    why: 'Somebody has null there tonight, and a page that was not made for it shows "null", or throws.',
    fix: 'Leave null out of the schema and say in the query what stands for nothing, or make sure that the page can show it.',
  },
  'remote-url': {
    severity: 'error',
    why: `Renders have no network: the request is refused. ${FAILS}`,
    fix: "Put the file into the template's folder, or embed it as a data: address.",
  },
  'remote-hint': {
    severity: 'warning',
    why: 'Renders have no network: it does nothing here, and shows that something may still be expected from elsewhere.',
    fix: 'Remove it.',
  },
  'file-missing': {
    severity: 'error',
    why: `The page asks for a file that its folder does not have. ${FAILS}`,
    fix: 'Add the file, or correct the name.',
  },
  'file-case': {
    severity: 'error',
    why: `It works on systems that do not tell A from a; workers do. ${FAILS}`,
    fix: 'Write the name as the file has it.',
  },
  'file-outside': {
    severity: 'error',
    why: 'Only what is in the folder goes to the workers, and into the digest that says whether a video must be made anew.',
    fix: "Copy the file into the template's folder.",
  },
  'font-not-embedded': {
    severity: 'error',
    why: 'Whichever font the worker has is shown, or another one: text is wider or narrower than it was designed.',
    fix: 'Embed the family with @font-face, or name one that is embedded.',
  },
  'font-generic': {
    severity: 'warning',
    why: "The operating system's font is shown: pictures change with the worker's image, and everybody is rendered anew.",
    fix: 'Embed a font with @font-face and name it first.',
  },
  'font-weight': {
    severity: 'warning',
    why: 'The browser makes the weight up from another one: strokes are smeared or stay as they are.',
    fix: 'Embed this weight, or use one that is embedded.',
  },
  'font-file': {
    severity: 'error',
    why: 'The font does not load; a text that needs it fails the render.',
    fix: 'Put a woff2, woff, ttf or otf file there.',
  },
  'font-undeclared': {
    severity: 'error',
    why: 'template.json promises a font that no @font-face brings. Every render fails with FontMissing.',
    fix: 'Add the @font-face, or take it out of `fonts`.',
  },
  timer: {
    severity: 'warning',
    why: 'Timers are held while frames are drawn: what one would change, no video shows.',
    fix: 'Draw by the time that seek gets, by a timeline, or by requestAnimationFrame.',
  },
  worker: {
    severity: 'warning',
    why: "A worker has the browser's own clock, chance and timers: what it sends comes at another moment each time.",
    fix: 'Do the work in the page.',
  },
  'real-clock': {
    severity: 'error',
    why: 'It follows the wall clock, which the engine cannot set: each render of the same video is another one.',
    fix: 'Use the time that seek gets, performance.now() or Date, which are virtual.',
  },
  locale: {
    severity: 'warning',
    why: "Numbers and dates are written as in the browser's own language, the same for everybody.",
    fix: "Name the locale: 'en-US', or a param.",
  },
  'counting-loop': {
    severity: 'warning',
    why: 'Frames of scenes are drawn from the middle: what counts calls shows another picture then.',
    fix: 'Draw by the time that requestAnimationFrame hands over.',
  },
  fetch: {
    severity: 'warning',
    why: 'What comes later than the answer to the params is missing in the first frames, and warm pages ask only once.',
    fix: 'Embed the data in the page.',
  },
  video: {
    severity: 'error',
    why: 'Only what has a place on the timeline and a file in the folder is shown frame by frame. Every render is refused.',
    fix: 'Give it data-start and data-duration, and put its film into the folder.',
  },
  marquee: {
    severity: 'error',
    why: 'It runs by the wall clock. Every render is refused.',
    fix: 'Use a CSS animation.',
  },
  'animated-picture': {
    severity: 'error',
    why: 'It moves by the wall clock. Every render is refused.',
    fix: 'Use a Lottie, a CSS animation or a row of still pictures; an SVG can be put into the page itself.',
  },
  transition: {
    severity: 'warning',
    why: 'Where a transition comes from depends on the frame before, so it ends at once.',
    fix: 'Use a CSS animation with a delay, or a timeline.',
  },
  'markup-from-data': {
    severity: 'warning',
    why: 'Params are data. In ten thousand rows some name has a < or an &: it breaks the page, or runs as a script.',
    fix: 'Use textContent, or make elements.',
  },
  'scene-declaration': {
    severity: 'error',
    why: 'The template cannot be loaded: no video is rendered.',
    fix: 'Correct the declaration; docs/scenes.md has its rules.',
  },
  'scene-leak': {
    severity: 'error',
    why: 'The scene is rendered once for many: it shows them the placeholder instead of what is theirs.',
    fix: 'Declare the param in that scene, or keep it out of it.',
  },
  'scene-join': {
    severity: 'error',
    why: 'The scene is drawn without what comes before it: where videos are joined, the picture jumps.',
    fix: 'Let what it shows follow from the time alone.',
  },
  'scene-sound': {
    severity: 'error',
    why: "The sound is made once for all whose declared params are the same: some hear somebody else's.",
    fix: 'Declare its params: "soundtrack": { "params": [...] }.',
  },
  'drawing-failed': {
    severity: 'error',
    why: 'A render with valid params failed, as it will at night for whoever has such params.',
    fix: 'See what the page said.',
  },
  'language-missing': {
    severity: 'warning',
    why: 'The language decides hyphens, quotes, upper case and which shapes of Han characters are taken.',
    fix: 'Write <html lang="en">, or whichever it is.',
  },
  'folder-size': {
    severity: 'warning',
    why: 'Every worker reads all of it, keeps it in memory and hands it to each of its browsers.',
    fix: 'Make pictures smaller, subset fonts, and move what the page does not ask for to source/.',
  },
  'picture-size': {
    severity: 'warning',
    why: 'Every browser decodes and scales it down: memory and time of each render, for pixels that nobody sees.',
    fix: 'Save it in the size in which it is drawn, at most twice that.',
  },
  'long-form': {
    severity: 'warning',
    why: 'Cost grows with length and the number of people.',
    fix: 'Make it shorter, declare scenes that many people share, or see `nightreel estimate` for what your machines take.',
  },
});

export type RuleName = keyof typeof RULES;

/** What says already why a template cannot be loaded. */
export const PREVENTS_LOADING: readonly string[] = [
  'template-json',
  'composition-unreadable',
  'entry-missing',
  'params-schema',
  'example-invalid',
  'placeholder-invalid',
  'scene-declaration',
] satisfies RuleName[];

/** @param fix instead of the rule's own, where more can be said. */
export function found(rule: RuleName, { file, line }: Place, what: string, fix?: string): Finding {
  const { severity, why, fix: usual } = RULES[rule];
  return { rule, severity, file, line, what, why, fix: fix ?? usual };
}
