import { type Command, InvalidArgumentError } from 'commander';
import { CAPTURE_NAMES } from '../config/capture.ts';
import { EXIT } from '../contracts/exit-codes.ts';
import type { CaptureChoice } from '../rendering/capture/probe.ts';
import { captureName } from './arguments.ts';
import { GROUPS, type Group } from './doctor/check.ts';

export interface DoctorFlags {
  readonly capture?: CaptureChoice;
  readonly all?: boolean;
  readonly only?: readonly Group[];
  readonly fix?: boolean;
  readonly json?: boolean;
}

const isGroup = (name: string): name is Group => (GROUPS as readonly string[]).includes(name);

function groups(text: string): readonly Group[] {
  const names = text.split(',');
  if (!names.every(isGroup)) throw new InvalidArgumentError(`It takes ${GROUPS.join(', ')}, with commas between them.`);
  return names;
}

export function registerDoctor(program: Command): void {
  program
    .command('doctor')
    .description('Tell what this machine and its servers can do, what they lack, and what to do about it')
    .option('--only <groups>', `${GROUPS.join(', ')}: some of them, with commas; default: all`, groups)
    .option('--capture <route>', `${CAPTURE_NAMES.join(', ')}; default: NIGHTREEL_CAPTURE, else auto`, captureName)
    .option('--all', 'try the encoders of graphics cards too')
    .option(
      '--fix',
      'remove what killed processes have left, register search attributes, have the bucket abort abandoned uploads',
    )
    .option('--json', 'one JSON object')
    .addHelpText(
      'after',
      `
Examples:
  nightreel doctor
  nightreel doctor --fix
  nightreel doctor --json | jq -r .engine.digest     the engine that \`nightreel serve\` would have here
  nightreel doctor --json | jq .store                what the object store does of all that is asked of it
  nightreel doctor --only store,temporal             on a machine that renders nothing

Every way of capturing frames is tried with a browser of its own, the store with small objects under health/doctor/, Temporal by the
task queue nightreel-doctor, for which nobody works. Of sources the columns are asked for, and no row. Webhooks are not called.
Ends with 0 when nothing that was looked at failed, else with ${EXIT.environment}.`,
    )
    .action(async (flags: DoctorFlags) => {
      const [{ diagnose }, { diagnosisText }, { onInterrupt }] = await Promise.all([
        import('./doctor/diagnose.ts'),
        import('./doctor/text.ts'),
        import('./interrupt.ts'),
      ]);
      const diagnosis = await diagnose(flags, onInterrupt('The examination was stopped.'));
      const text = flags.json === true ? `${JSON.stringify(diagnosis)}\n` : diagnosisText(diagnosis);
      // A driver that still waits for a server which never answers would keep the process.
      process.stdout.write(text, () => process.exit(diagnosis.ok ? EXIT.ok : EXIT.environment));
    });
}
