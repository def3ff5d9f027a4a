import type { Command } from 'commander';
import { CAPTURE_NAMES } from '../config/capture.ts';
import { EXIT } from '../contracts/exit-codes.ts';
import type { CaptureChoice } from '../rendering/capture/probe.ts';
import { captureName } from './arguments.ts';

export interface DoctorFlags {
  readonly capture?: CaptureChoice;
  readonly all?: boolean;
  readonly fix?: boolean;
  readonly json?: boolean;
}

export function registerDoctor(program: Command): void {
  program
    .command('doctor')
    .description('Tell what this machine and its object store can do, what they lack, and what to do about it')
    .option('--capture <route>', `${CAPTURE_NAMES.join(', ')}; default: NIGHTREEL_CAPTURE, else auto`, captureName)
    .option('--all', 'try the encoders of graphics cards too')
    .option('--fix', 'remove what killed processes have left; have the bucket abort abandoned uploads')
    .option('--json', 'one JSON object')
    .addHelpText(
      'after',
      `
Examples:
  nightreel doctor
  nightreel doctor --fix
  nightreel doctor --json | jq -r .engine.digest     the engine that \`nightreel serve\` would have here
  nightreel doctor --json | jq .store                what the object store does of all that is asked of it

Every way of capturing frames is tried with a browser of its own, and the store with small objects under health/doctor/.
Ends with 0 when videos can be rendered and the store, where there is one, does what it must, else with ${EXIT.environment}.`,
    )
    .action(async (flags: DoctorFlags) => {
      const [{ diagnose }, { diagnosisText }, { onInterrupt }] = await Promise.all([
        import('./doctor/diagnose.ts'),
        import('./doctor/text.ts'),
        import('./interrupt.ts'),
      ]);
      const diagnosis = await diagnose(flags, onInterrupt('The examination was stopped.'));
      process.stdout.write(flags.json === true ? `${JSON.stringify(diagnosis)}\n` : diagnosisText(diagnosis));
      if (!diagnosis.ok) process.exitCode = EXIT.environment;
    });
}
