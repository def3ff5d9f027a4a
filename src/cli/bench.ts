import { type Command, InvalidArgumentError, Option } from 'commander';
import type { BenchContext, BenchResult } from '../../bench/bench.ts';
import { IS_PACKAGED } from '../config/package.ts';
import { EXIT } from '../contracts/exit-codes.ts';
import { Failure } from '../contracts/failures.ts';
import { isRenditionId, RENDITION_IDS, type RenditionId } from '../contracts/video.ts';
import { CAPTURE_ROUTES, type CaptureRoute } from '../rendering/browser/flags.ts';
import { SOURCE_TYPES, type SourceType } from '../warehouse/source.ts';
import { positiveInteger } from './arguments.ts';

interface Common {
  readonly json?: boolean;
}

interface CaptureFlags extends Common {
  readonly routes: readonly CaptureRoute[];
  readonly pages: readonly string[];
  readonly renditions: readonly RenditionId[];
  readonly slots: readonly number[];
}

interface EncodeFlags extends Common {
  readonly template: string;
  readonly rendition: RenditionId;
}

interface SoakFlags extends Common {
  readonly renders: number;
  readonly slots?: number;
  readonly recycleAfter: number;
  readonly template?: string;
  readonly folder?: string;
}

interface NightFlags extends Common {
  readonly recipients: number;
  readonly sample: number;
}

interface DeltaFlags extends Common {
  readonly rows: number;
  readonly source: SourceType;
}

type LookupFlags = Common & { readonly variants: number };

interface OrchestrationFlags extends LookupFlags {
  readonly chaos?: boolean;
  readonly plain?: boolean;
}

interface UploadFlags extends Common {
  readonly seconds: readonly number[];
  readonly runs?: number;
}

interface TelemetryFlags extends Common {
  readonly runs: number;
  readonly renders: number;
}

interface ScalingFlags extends Common {
  readonly check?: number;
}

interface VersusFlags extends Common {
  readonly runs: number;
  readonly template: string;
}

interface CompatFlags extends Common {
  readonly only?: readonly string[];
  readonly write?: boolean;
}

interface HyperframesFlags extends VersusFlags {
  readonly quality?: string;
  readonly batch?: number;
}

/** They start the tests' servers and programs of the checkout, or install other engines. */
const NEED_CHECKOUT: readonly string[] = [
  ...['soak', 'delta', 'upload', 'lookup', 'orchestration', 'telemetry'],
  ...['compare-hyperframes', 'compat', 'remotion'],
];

export function registerBench(program: Command): void {
  const bench = program
    .command('bench')
    .description('Measure what videos cost on this machine, alone or against other renderers')
    .addHelpText(
      'after',
      `
Examples:
  nightreel bench variant                      what a video costs: processor, wall, memory
  nightreel bench capture --slots 1,2,4        by capture route, page, size and program
  nightreel bench encode                       x264 set in different ways, at the same quality
  nightreel bench soak --renders 100           many renders through one pool: does anything grow?
  nightreel bench assembly                     what joining stored scenes costs
  nightreel bench night                        a night of 5,000 people, with scenes and without
  nightreel bench delta --source postgres      reading and checking what changed
  nightreel bench upload                       from the last frame to an object that can be read
  nightreel bench lookup --variants 10000      finding out which videos of a night are stored
  nightreel bench orchestration --chaos        what a night costs when nothing is rendered
  nightreel bench telemetry --runs 8           what traces and metrics cost a video, on and off
  nightreel bench scaling                      nights of up to ten million people, on paper
  nightreel bench twins --recipients 20        the same night both ways, every frame compared
  nightreel bench compare-hyperframes --json   the same video by the HyperFrames CLI
  nightreel bench compat                       HyperFrames compositions by both, every frame compared

Each prints a table, or with --json one JSON line. Figures are only worth something on a machine that does nothing else; a
bench warns when it does. docs/performance.md says what was measured, where and when.`,
    );
  bench.hook('preAction', (_, command) => {
    if (!IS_PACKAGED || (!NEED_CHECKOUT.includes(command.name()) && command.getOptionValue('check') === undefined))
      return;
    throw new Failure(
      'ToolMissing',
      `bench ${command.name()} starts servers and programs that are not in the package. Run it in a checkout of the repository.`,
    );
  });
  const add = (name: string, description: string): Command =>
    bench.command(name).description(description).option('--json', 'print one JSON line and nothing else');

  add('variant', 'What a 1080p video costs: moving, still, held; warm, cold; side by side')
    .option('--runs <n>', 'renders per figure; the median counts', count, 3)
    .option('--template <name>', 'template of the figures about params', 'referral')
    .addHelpText('after', examples('variant', '', '--json', '--runs 5'))
    .action((flags: VersusFlags) =>
      runBench(flags, async (context) => (await import('../../bench/variant.ts')).run({ ...flags, ...context })),
    );

  add('capture', 'What a frame costs by capture route, page and size, and which program spends it')
    .option('--routes <list>', `of ${CAPTURE_ROUTES.join(', ')}`, listOf(isRoute, CAPTURE_ROUTES), [...CAPTURE_ROUTES])
    .option('--pages <list>', 'of bench/pages or templates, or folders', listOf(isName), ['moving', 'still'])
    .option('--renditions <list>', `of ${RENDITION_IDS.join(', ')}`, listOf(isRenditionId, RENDITION_IDS), [
      ...RENDITION_IDS,
    ])
    .option('--slots <list>', 'renders side by side', (text) => text.split(',').map(count), [1])
    .addHelpText('after', examples('capture', '', '--slots 1,2,4 --pages moving --renditions web-1080p', '--json'))
    .action((flags: CaptureFlags) =>
      runBench(flags, async (context) => (await import('../../bench/capture.ts')).run({ ...flags, ...context })),
    );

  add('encode', 'What encoding costs: x264 set in different ways, at the same quality')
    .option('--template <name>', 'what is encoded', 'referral')
    .option('--rendition <id>', `of ${RENDITION_IDS.join(', ')}`, renditionId, 'web-1080p' as const)
    .addHelpText('after', examples('encode', '', '--rendition email-480p', '--json'))
    .action((flags: EncodeFlags) =>
      runBench(flags, async (context) => (await import('../../bench/encode.ts')).run({ ...flags, ...context })),
    );

  add('soak', 'Many short renders through one pool: failures, memory, time, the same bytes')
    .option('--renders <n>', 'how many', count, 1000)
    .option('--slots <n>', 'renders side by side; default: as many as a worker of this machine takes', count)
    .option('--recycle-after <n>', 'renders after which a browser is replaced', count, 200)
    .option('--template <name>', 'what is rendered; default: a page of two seconds')
    .option('--folder <path>', 'gets soak.csv and soak.svg, the plot of memory')
    .addHelpText('after', examples('soak', '', '--renders 100 --recycle-after 20', '--folder docs/images --json'))
    .action((flags: SoakFlags) =>
      runBench(flags, async (context) => {
        const [{ run }, { ROOT }, { machineSize, slotsFor }] = await Promise.all([
          import('../../bench/soak.ts'),
          import('../../bench/engine.ts'),
          import('../rendering/browser/sizing.ts'),
        ]);
        const {
          slots = slotsFor(machineSize()),
          template = `${ROOT}/test/fixtures/templates/tiny`,
          folder = null,
        } = flags;
        return await run({ ...flags, slots, template, folder, ...context });
      }),
    );

  add('assembly', 'What joining stored scenes to a 1080p video costs, and whether it always gives the same bytes')
    .option('--runs <n>', 'joins that are measured, after as many to warm up', count, 200)
    .option('--template <name>', 'a template with scenes', 'referral')
    .addHelpText('after', examples('assembly', '', '--json', '--runs 1000'))
    .action((flags: VersusFlags) =>
      runBench(flags, async (context) => (await import('../../bench/assembly.ts')).run({ ...flags, ...context })),
    );

  add('night', 'A generated night with scenes and without: planned whole, a sample of it rendered')
    .option('--recipients <n>', 'people of each night', count, 5000)
    .option('--sample <n>', 'videos that are rendered for the costs, in scenes and whole', count, 3)
    .addHelpText('after', examples('night', '', '--recipients 5000 --json', '--sample 10'))
    .action((flags: NightFlags) =>
      runBench(flags, async (context) => (await import('../../bench/night.ts')).run({ ...flags, ...context })),
    );

  add('delta', 'What reading and checking a delta costs: rows per second, memory, by engine')
    .option('--rows <n>', 'people in the table', positiveInteger, 100_000)
    .addOption(new Option('--source <type>', 'where they are').choices([...SOURCE_TYPES]).default('duckdb'))
    .addHelpText('after', examples('delta', '', '--rows 1000000 --source postgres --json', '--source csv'))
    .action((flags: DeltaFlags) =>
      runBench(flags, async (context) => (await import('../../bench/delta.ts')).run({ ...flags, ...context })),
    );

  add(
    'upload',
    'From the last frame to a readable object through a link of 50 Mbit/s: in parts meanwhile, or as a file',
  )
    .option('--seconds <list>', 'lengths of the clips', (text) => text.split(',').map(count), [12, 120])
    .option('--runs <n>', 'renders of each clip, each way; the median counts (default: 5 of 12 s, 1 of 120 s)', count)
    .addHelpText('after', examples('upload', '', '--json', '--seconds 12 --runs 9'))
    .action((flags: UploadFlags) =>
      runBench(flags, async (context) => (await import('../../bench/upload/index.ts')).run({ ...flags, ...context })),
    );

  add('lookup', 'Finding out which videos of a night are stored: when none is, and when all are')
    .option('--variants <n>', 'how many', positiveInteger, 10_000)
    .addHelpText('after', examples('lookup', '', '--variants 10000 --json'))
    .action((flags: LookupFlags) =>
      runBench(flags, async (context) => (await import('../../bench/lookup.ts')).run({ ...flags, ...context })),
    );

  add(
    'orchestration',
    'A night in which rendering costs nothing: variants per second, events, memory; lost and repeated ones',
  )
    .option('--variants <n>', 'how many', positiveInteger, 2000)
    .option('--chaos', 'kill a worker every few seconds, and the Temporal server once')
    .option('--plain', 'run as many workflows that do nothing first, and say what part of their pace the night has')
    .addHelpText(
      'after',
      examples('orchestration', '', '--variants 20000 --json', '--variants 2000 --chaos', '--plain'),
    )
    .action((flags: OrchestrationFlags) =>
      runBench(flags, async (context) =>
        (await import('../../bench/orchestration/index.ts')).run({
          ...flags,
          chaos: flags.chaos === true,
          plain: flags.plain === true,
          ...context,
        }),
      ),
    );

  add('telemetry', 'What traces and metrics cost: the same nights by two workers in turn, one tells all, one nothing')
    .option('--runs <n>', 'pairs of nights, after one that does not count', count, 6)
    .option('--renders <n>', 'videos of a night', count, 4)
    .addHelpText('after', examples('telemetry', '', '--json', '--runs 10 --renders 8'))
    .action((flags: TelemetryFlags) =>
      runBench(flags, async (context) =>
        (await import('../../bench/telemetry/index.ts')).run({ ...flags, ...context }),
      ),
    );

  add('scaling', 'Nights on paper: events, requests, objects, workers; and how far nights that were run are from it')
    .option('--check <n>', 'run a night of so many variants, and compare with that', positiveInteger)
    .addHelpText('after', examples('scaling', '', '--json', '--check 1000'))
    .action((flags: ScalingFlags) =>
      runBench(flags, async (context) =>
        (await import('../../bench/scaling/index.ts')).run({ check: flags.check ?? null, ...context }),
      ),
    );

  add('twins', 'A whole generated night twice, from scenes and whole: every video against its twin, frame by frame')
    .option('--recipients <n>', 'people of the night', count, 300)
    .addHelpText('after', examples('twins', '', '--recipients 20', '--json'))
    .action((flags: Pick<NightFlags, 'recipients' | 'json'>) =>
      runBench(flags, async (context) => (await import('../../bench/twins.ts')).run({ ...flags, ...context })),
    );

  versus('compare-hyperframes', 'The same video by the HyperFrames CLI: cost, size and quality, ours against theirs')
    .option('--quality <name>', "HyperFrames' own quality setting, draft for instance; default: its default")
    .option('--batch <n>', 'have HyperFrames render so many videos in one run', count)
    .addHelpText('after', examples('compare-hyperframes', '', '--json', '--quality draft --runs 3', '--batch 5'))
    .action((flags: HyperframesFlags) =>
      runBench(flags, async (context) =>
        (await import('../../bench/compare-hyperframes.ts')).run({ ...flags, ...context }),
      ),
    );

  add(
    'compat',
    'HyperFrames compositions, unchanged, by the HyperFrames CLI and by this engine: every frame compared (installs it into bench/peers)',
  )
    .option('--only <list>', 'of test/fixtures/compositions; default: all', listOf(isName))
    .option('--write', 'also write the table of docs/compatibility.md')
    .addHelpText('after', examples('compat', '', '--only gsap,lottie --json', '--write'))
    .action((flags: CompatFlags) =>
      runBench(flags, async (context) => {
        const [{ run }, { COMPOSITIONS }] = await Promise.all([
          import('../../bench/compat/index.ts'),
          import('../../bench/compat/compositions.ts'),
        ]);
        const { only = Object.keys(COMPOSITIONS), write = false } = flags;
        return await run({ only, write, ...context });
      }),
    );

  versus('remotion', 'The same video by Remotion: cost, size and quality, ours against theirs')
    .addHelpText('after', examples('remotion', '', '--json', '--runs 3'))
    .action((flags: VersusFlags) =>
      runBench(flags, async (context) => (await import('../../bench/remotion.ts')).run({ ...flags, ...context })),
    );

  function versus(name: string, description: string): Command {
    return add(name, `${description} (installs it into bench/peers when it is not there)`)
      .option('--runs <n>', 'renders of each; the median counts', count, 5)
      .option('--template <name>', 'what is rendered: a template, one of bench/pages, or a folder', 'referral');
  }
}

const examples = (name: string, ...lines: readonly string[]): string =>
  `\nExamples:\n${lines.map((line) => `  nightreel bench ${name} ${line}`.trimEnd()).join('\n')}`;

/** Progress on stderr, the result on stdout; Ctrl-C ends the bench and all that it started. */
async function runBench({ json }: Common, run: (context: BenchContext) => Promise<BenchResult>): Promise<void> {
  const [{ tableOf }, { createProgress }, { onInterrupt }] = await Promise.all([
    import('../../bench/bench.ts'),
    import('../../bench/progress.ts'),
    import('./interrupt.ts'),
  ]);
  const signal = onInterrupt('The bench was stopped; nothing of it stays behind.');
  const result = await (async () => {
    using progress = createProgress(process.stderr);
    try {
      return await run({ signal, progress });
    } catch (error) {
      // What Node's own functions throw when they are stopped says nothing.
      throw signal.aborted ? signal.reason : error;
    }
  })();
  const tables = [result.rows, ...(result.also === undefined ? [] : [result.also])].map(tableOf);
  const lines = (result.jsonLines ?? [result.json]).map((line) => `${JSON.stringify(line)}\n`);
  process.stdout.write(json === true ? lines.join('') : tables.join('\n'));
  if (result.missed == null) return;
  process.stderr.write(`${result.missed}\n`);
  process.exitCode = EXIT.unexpected;
}

function count(text: string): number {
  if (!/^[1-9]\d{0,3}$/.test(text)) throw new InvalidArgumentError('It must be a whole number from 1 on.');
  return Number(text);
}

function renditionId(text: string): RenditionId {
  if (!isRenditionId(text)) throw new InvalidArgumentError(`It must be one of ${RENDITION_IDS.join(', ')}.`);
  return text;
}

const isName = (text: string): text is string => text !== '';
const isRoute = (text: string): text is CaptureRoute => CAPTURE_ROUTES.some((route) => route === text);

function listOf<Item extends string>(is: (text: string) => text is Item, known: readonly string[] = []) {
  return (text: string): Item[] => {
    const items = text.split(',').map((item) => item.trim());
    if (items.every(is)) return items;
    throw new InvalidArgumentError(
      known.length === 0 ? 'An item is empty.' : `Each must be one of ${known.join(', ')}.`,
    );
  };
}
