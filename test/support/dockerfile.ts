/** The Dockerfile: hadolint, and what hadolint cannot know of this repository. */

import { execFile } from 'node:child_process';
import { globSync } from 'node:fs';
import { cp, mkdir, readFile, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ROOT } from './compose.ts';

export const DOCKERFILE = join(ROOT, 'deploy/docker/Dockerfile');

/** Runs hadolint on a text. A line for each finding: `12 DL3002 warning: …`. */
function lint(text: string): Promise<string[]> {
  return new Promise((resolve, reject) => {
    const child = execFile(
      join(ROOT, '.tools/bin/hadolint'),
      ['--no-color', '-'],
      { env: { PATH: '' } },
      (error, stdout) => {
        // 1 is for findings.
        if (error !== null && error.code !== 1) reject(error);
        else resolve(stdout.split('\n').flatMap((line) => line.replace(/^-:/, '') || []));
      },
    );
    child.stdin?.end(text);
  });
}

interface Stage {
  readonly name: string;
  readonly from: string;
  readonly lines: readonly string[];
}

/** Its stages, continued lines joined. */
function stagesOf(text: string): Stage[] {
  const lines = text.replaceAll(/\\\n/g, ' ').split('\n');
  const starts = lines.flatMap((line, at) => (line.startsWith('FROM ') ? at : []));
  return starts.map((start, nth) => {
    const [, from = '', name = ''] = /^FROM (\S+)(?: AS (\S+))?/.exec(lines[start] ?? '') ?? [];
    return { name, from, lines: lines.slice(start + 1, starts[nth + 1]) };
  });
}

/** Everything that a stage does, with what the stages do that it is made from. */
const whole = (stages: readonly Stage[], stage: Stage): string[] => {
  const base = stages.find(({ name }) => name === stage.from);
  return [...(base === undefined ? [] : whole(stages, base)), ...stage.lines];
};

const DRAWS = ['chromium', 'chromium-headless-shell', 'ffmpeg', 'xvfb', 'fontconfig', 'fonts-noto-core'];

/** What is wrong: a sentence for each, none for one that is right. `targets`: the images that are made of it. */
export async function dockerfileFindings(text: string, targets: readonly string[]): Promise<string[]> {
  const [setup, ignored] = await Promise.all([
    readFile(join(ROOT, 'scripts/setup.sh'), 'utf8'),
    readFile(join(ROOT, '.dockerignore'), 'utf8'),
  ]);
  const node = `node:${/NODE_VERSION=([\d.]+)/.exec(setup)?.[1]}-bookworm-slim`;
  const stages = stagesOf(text);
  return [
    ...(await lint(text)),
    ...stages
      .filter(({ from }) => from !== node && !stages.some(({ name }) => name === from))
      .map(({ name, from }) => `${name} is made from ${from}, not from ${node}, which scripts/setup.sh installs`),
    ...targets.flatMap((target) => {
      const stage = stages.find(({ name }) => name === target);
      return stage === undefined ? [`there is no stage ${target}`] : ofImage(target, whole(stages, stage));
    }),
    ...contextFindings(ignored),
  ];
}

function ofImage(target: string, lines: readonly string[]): string[] {
  const last = (instruction: string): string =>
    lines.findLast((line) => line.startsWith(`${instruction} `))?.slice(instruction.length + 1) ?? '';
  const installed = lines
    .filter((line) => line.includes('apt-get install'))
    .join(' ')
    .split(/\s+/);
  const missing = DRAWS.filter((name) => !installed.includes(name));
  const needless = DRAWS.filter((name) => installed.includes(name));
  return [
    ...(/^[1-9]\d*:[1-9]\d*$/.test(last('USER')) ? [] : [`${target} runs as ${last('USER') || 'root'}`]),
    ...(last('ENTRYPOINT').startsWith('["tini", "--", ') && installed.includes('tini')
      ? []
      : [`${target} has no init: nobody reaps what its browsers leave behind`]),
    ...(target === 'render'
      ? missing.map((name) => `${target} has no ${name}`)
      : needless.map((name) => `${target} has ${name}, which nothing in it uses`)),
  ];
}

/** Every import of the program has to get into the image, and no secret may. */
function contextFindings(ignored: string): string[] {
  const lines = ignored.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  const taken = lines.flatMap((line) => (line.startsWith('!') ? line.slice(1) : []));
  return [
    ...(lines[0] === '*' ? [] : ['.dockerignore lets everything in that it does not name']),
    ...taken
      .filter((path) => globSync(path, { cwd: ROOT }).length === 0)
      .map((path) => `.dockerignore names ${path}, which is not there`),
  ];
}

/** What is in /nightreel of both images: what .dockerignore lets in, and the packages. */
export async function makeImage(folder: string): Promise<void> {
  const ignored = await readFile(join(ROOT, '.dockerignore'), 'utf8');
  for (const [, path = ''] of ignored.matchAll(/^!(.+)$/gm)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await cp(join(ROOT, path), join(folder, path), { recursive: true });
  }
  await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
}

/** What a container of this image runs: its entry point and its command, without the init. */
export function commandOf(text: string, target: string): string[] {
  const stages = stagesOf(text);
  const stage = stages.find(({ name }) => name === target);
  const lines = stage === undefined ? [] : whole(stages, stage);
  const last = (instruction: string): string[] =>
    JSON.parse(lines.findLast((line) => line.startsWith(`${instruction} `))?.slice(instruction.length) ?? '[]');
  return [...last('ENTRYPOINT').slice(2), ...last('CMD')];
}
