/** A page of the documentation as something that can be run: every command of its `sh` blocks, under the heading that it stands under. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

export interface Command {
  readonly line: number;
  readonly heading: string;
  readonly text: string;
  /** What the page says that it prints, a line each; `…` stands for anything. */
  readonly shows: string[];
}

export type Variables = Readonly<Record<string, string>>;

const TOOL = /^(nightreel|temporal|tctl) /;
const LIMIT_MS = 120_000;

export class Runbook {
  private readonly commands: readonly Command[];
  private readonly prose: string;
  private readonly executed = new Set<Command>();

  private constructor(commands: readonly Command[], prose: string) {
    this.commands = commands;
    this.prose = prose;
  }

  static async read(path: string): Promise<Runbook> {
    const { commands, prose } = parsePage(await readFile(path, 'utf8'));
    return new Runbook(commands, prose);
  }

  /** Commands below the heading that begins so, to be run in `folder` with these variables. */
  under(heading: string, folder: string, variables: Variables): Section {
    const own = this.commands.filter((command) => command.heading.startsWith(heading));
    if (own.length === 0) throw new Error(`no command stands below '${heading}'`);
    return new Section(own, folder, variables, (command) => this.executed.add(command));
  }

  /** Commands that nobody has run. */
  get untested(): string[] {
    return this.commands
      .filter((command) => !this.executed.has(command))
      .map(({ line, text: command }) => `${line}: ${command}`);
  }

  /** Commands that the text names and that are no beginning of one in a block. */
  get unknown(): string[] {
    const spans = this.prose.match(/`[^`]+`|^ {4,}(?:nightreel|temporal|tctl) .*$/gm) ?? [];
    const named = spans.map((span) => span.replaceAll('`', '').trim().replace(/\s+/g, ' '));
    const isKnown = (name: string) => this.commands.some(({ text: command }) => `${command} `.startsWith(`${name} `));
    return named.filter((name) => TOOL.test(name) && !isKnown(name));
  }
}

/** The commands below one heading, in one terminal: what a command exports, the next ones see. */
export class Section {
  variables: Variables;
  private readonly commands: readonly Command[];
  private readonly folder: string;
  private readonly onRun: (command: Command) => void;

  constructor(commands: readonly Command[], folder: string, variables: Variables, onRun: (command: Command) => void) {
    this.commands = commands;
    this.folder = folder;
    this.variables = variables;
    this.onRun = onRun;
  }

  /**
   * Runs the command that reads so, or every one that begins so or matches, in order, with these values in place of the page's
   * samples behind `NAME=`. Returns what they printed. Throws when one ends with anything but 0, or does not print what the page says.
   */
  async run(which: string | RegExp, values: Variables = {}): Promise<string> {
    const commands = this.find(which);
    let printed = '';
    // What promises nothing of its own goes into one shell: starting thirty of them takes its time.
    const scripts = commands.every(({ shows }) => shows.length === 0)
      ? [commands]
      : commands.map((command) => [command]);
    for (const script of scripts) {
      const output = await this.execute(
        script.map(({ text: command }) => withValues(command, values)).join('\n'),
        values,
      );
      for (const { line, shows } of script) assertShows(output, line, shows, this.variables);
      for (const command of script) this.onRun(command);
      printed += output;
    }
    return printed;
  }

  /** Starts a command and leaves it running; it counts as run once `done` has come to a good end: 0, or whatever kill -9 leaves. */
  start(which: string | RegExp, values: Variables = {}): { child: ChildProcess; done: Promise<void> } {
    const [command] = this.find(which);
    const child = spawn('bash', ['-c', `exec ${command.text}`], {
      cwd: this.folder,
      env: { ...this.variables, ...values },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const done = (async () => {
      const [said] = await Promise.all([text(child.stderr), once(child, 'close')]);
      if (child.exitCode !== 0 && child.signalCode !== 'SIGKILL') throw new Error(`${command.text}: ${said}`);
      this.onRun(command);
    })();
    done.catch(() => undefined);
    return { child, done };
  }

  private find(which: string | RegExp): readonly [Command, ...Command[]] {
    const exact = this.commands.filter((command) => command.text === which);
    const like = this.commands.filter(({ text: command }) =>
      typeof which === 'string' ? command.startsWith(which) : which.test(command),
    );
    const [first, ...more] = exact.length > 0 ? exact : like;
    if (first === undefined) throw new Error(`the page has no command '${which}' there`);
    return [first, ...more];
  }

  private async execute(script: string, values: Variables): Promise<string> {
    const scratch = await mkdtemp(join(tmpdir(), 'nightreel-runbook-'));
    try {
      const exported = join(scratch, 'env');
      const child = spawn('bash', ['-euo', 'pipefail', '-c', `${script}\nenv -0 >'${exported}'`], {
        cwd: this.folder,
        env: { ...this.variables, ...values },
        stdio: ['ignore', 'pipe', 'pipe'],
        timeout: LIMIT_MS,
      });
      const gone = new Promise((resolve) => child.once('close', resolve));
      const [out, said] = await Promise.all([text(child.stdout), text(child.stderr), gone]);
      if (child.exitCode !== 0) {
        throw new Error(`${script}\nended with ${child.exitCode ?? child.signalCode}: ${out}${said}`);
      }
      const pairs = (await readFile(exported, 'utf8')).split('\0').filter((pair) => pair.includes('='));
      this.variables = Object.fromEntries(
        pairs.map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]),
      );
      return `${out}${said}`;
    } finally {
      await rm(scratch, { recursive: true });
    }
  }
}

/** Splits a Markdown page into the commands of its `sh` blocks and all that stands outside of blocks. */
export function parsePage(page: string): { commands: Command[]; prose: string } {
  const commands: Command[] = [];
  const prose: string[] = [];
  let heading = '';
  let fence: string | null = null;
  let begun = '';
  for (const [index, line] of page.split('\n').entries()) {
    const mark = /^\s*```(.*)$/.exec(line);
    if (mark !== null) {
      fence = fence === null ? (mark[1] ?? '').trim() : null;
    } else if (fence === null) {
      heading = /^#+ (.*)$/.exec(line)?.[1] ?? heading;
      prose.push(line);
    } else if (fence !== 'sh') {
      if (TOOL.test(line.replace(/^[\s$]+/, '')))
        throw new Error(`line ${index + 1}: a command in a block that is not 'sh'`);
    } else if (line.startsWith('#> ')) {
      commands.at(-1)?.shows.push(line.slice(3));
    } else if (line.endsWith('\\')) {
      begun += `${line}\n`;
    } else if (line.trim() !== '' && !line.startsWith('#')) {
      commands.push({ line: index + 1, heading, text: begun + line, shows: [] });
      begun = '';
    }
  }
  return { commands, prose: prose.join('\n') };
}

const withValues = (command: string, values: Variables): string =>
  Object.entries(values).reduce(
    (text, [name, value]) => text.replace(new RegExp(`\\b${name}=('[^']*'|[^\\s]*)`), () => `${name}='${value}'`),
    command,
  );

function assertShows(output: string, line: number, shows: readonly string[], variables: Variables): void {
  for (const promise of shows) {
    const wanted = patternOf(promise, variables);
    if (!wanted.test(output)) throw new Error(`line ${line} promises ${wanted}, and it printed:\n${output}`);
  }
}

/** A promised line as a pattern: variables have their values, `…` is anything, and the line may go on. */
function patternOf(promise: string, variables: Variables): RegExp {
  const filled = promise.replace(/\$(\w+)/g, (_, name: string) => variables[name] ?? '');
  const literal = filled.split('…').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^.*${literal.join('.*')}`, 'm');
}
