/** What the proof of scenes found, as findings of the report. */

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { SceneFinding } from '../rendering/verify/scenes.ts';
import type { Template } from '../templates/template.ts';
import { TEMPLATE_FILE } from '../templates/template-file.ts';
import type { ReportedFinding } from './report.ts';
import { found, type RuleName } from './rules.ts';
import { Declaration } from './source/declaration.ts';
import { TextFile } from './source/text-file.ts';

/** In template.json, where the scene is declared. */
export async function reportScenes(template: Template, findings: readonly SceneFinding[]): Promise<ReportedFinding[]> {
  if (findings.length === 0) return [];
  const file = new TextFile(TEMPLATE_FILE, await readFile(join(template.folder, TEMPLATE_FILE)));
  const declaration = new Declaration(file);
  return findings.map(({ picture, ...facts }) => {
    const { rule, what, fix } = sentencesOf(facts);
    const index = template.scenes.findIndex(({ id }) => id === facts.scene);
    const place = declaration.placeOf(index === -1 ? ['soundtrack'] : ['scenes', index]);
    return {
      ...found(rule, place, what, fix),
      ...(picture !== null && { picture }),
      pictureName: `${facts.scene}-frame-${facts.frame}.png`,
      facts: { ...facts, sentence: `${what} ${fix}` },
    };
  });
}

interface Sentences {
  readonly rule: RuleName;
  readonly what: string;
  readonly fix: string;
}

function sentencesOf({ kind, scene, params, frame, frames }: Omit<SceneFinding, 'picture'>): Sentences {
  switch (kind) {
    case 'leak': {
      const names = params.map((name) => `'${name}'`).join(', ');
      return {
        rule: 'scene-leak',
        what: `Scene '${scene}' shows ${names} without declaring it: ${frames} of its frames differ, from frame ${frame} on.`,
        fix: 'Declare it there, or keep it out of the scene.',
      };
    }
    case 'join':
      return {
        rule: 'scene-join',
        what: `Scene '${scene}' looks different at frame ${frame} when the video is drawn from its beginning: it depends on what was drawn before.`,
        fix: 'Let what it shows follow from the time alone.',
      };
    case 'sound':
      return {
        rule: 'scene-sound',
        what: 'The sound depends on params that the soundtrack does not declare.',
        fix: 'Declare them: "soundtrack": { "params": [...] }.',
      };
  }
}
