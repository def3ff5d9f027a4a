/**
 * HyperFrames' own linter, as far as it says what is true here as well. What it says of its studio and of its own renderer's
 * clock and fonts is left out: this engine sets the clock, and has rules of its own for the rest.
 */

import type { Finding } from '../finding.ts';
import type { Place } from '../rules.ts';
import type { Page } from '../source/page.ts';
import type { TemplateSource } from '../source/template-source.ts';
import type { StaticCheck } from './static-check.ts';

/** Its codes, and what each means here. */
const TAKEN = new Map<string, Finding['severity']>(
  Object.entries({
    timeline_id_mismatch: 'error',
    duplicate_composition_id: 'error',
    gsap_timeline_not_registered: 'warning',
    gsap_timeline_registered_before_async_build: 'warning',
    gsap_timeline_return_used_as_tween: 'warning',
    gsap_infinite_repeat: 'warning',
    gsap_repeat_ceil_overshoot: 'warning',
    gsap_repeat_floor_unclamped: 'warning',
    gsap_repeat_refresh_relative_value: 'warning',
    gsap_relative_value_second_writer: 'warning',
    gsap_css_transform_conflict: 'warning',
    gsap_from_opacity_noop: 'warning',
    gsap_cold_seek_hidden_fromto_missing_reveal: 'warning',
    gsap_undefined_css_variable: 'warning',
    overlapping_gsap_tweens: 'warning',
    host_missing_composition_id: 'warning',
    multiple_root_compositions: 'warning',
    duplicate_media_id: 'warning',
    template_literal_selector: 'warning',
    unclosed_tag_swallowed_element: 'warning',
    visible_markup_comment: 'warning',
  }),
);

const WHY = "The runtime that plays the composition's timelines does something else with it than it says.";

export const hyperframes: StaticCheck = {
  id: 'hyperframes',
  async run(source) {
    const { entry } = source;
    if (entry === null || !entry.elements.some(({ attributes }) => attributes.has('data-composition-id'))) return [];
    // Half a second to load, which most templates do without.
    const { lintHyperframeHtml } = await import('@hyperframes/core/lint');
    const { findings } = await lintHyperframeHtml(ownHtml(entry, source), { filePath: entry.file.path, host: 'cli' });
    return findings.flatMap(({ code, message, fixHint, snippet, elementId }): Finding[] => {
      const severity = TAKEN.get(code);
      if (severity === undefined) return [];
      return [
        {
          rule: `hyperframes-${code.replaceAll('_', '-')}`,
          severity,
          ...placeOf(entry, [snippet, elementId === undefined ? undefined : `id="${elementId}"`, ...namedIn(message)]),
          what: message,
          why: WHY,
          fix: fixHint ?? 'See the documentation of HyperFrames.',
        },
      ];
    });
  },
};

/** Without what nobody wrote by hand: a minified library takes its rules seconds. Lines stay where they are. */
function ownHtml({ file }: Page, { scripts }: TemplateSource): string {
  let html = file.text;
  for (const script of scripts) {
    if (script.isLibrary && script.file === file)
      html = html.replace(script.text, () => script.text.replaceAll(/[^\r\n]+/g, ''));
  }
  return html.replaceAll(/;base64,[A-Za-z0-9+/=]{100,}/g, ';base64,');
}

/** It gives no lines: where the first of what it quotes stands. */
function placeOf({ file }: Page, quotes: readonly (string | undefined)[]): Place {
  for (const quote of quotes) {
    const text = quote?.trim().split('\n')[0]?.slice(0, 60).trim() ?? '';
    const at = text === '' ? -1 : file.text.indexOf(text);
    if (at !== -1) return file.place(at);
  }
  return { file: file.path, line: null };
}

/** What a sentence has in quotation marks, as scripts may write it. */
const namedIn = (sentence: string): string[] =>
  [...sentence.matchAll(/"([\w-]+)"/g)].flatMap(([, name]) => [`'${name}'`, `"${name}"`, `.${name} `]);
