import { Command } from 'commander';
import { packageVersion } from '../config/version.ts';
import { registerBackfill } from './backfill.ts';
import { registerBench } from './bench.ts';
import { registerCheck } from './check.ts';
import { registerCodec } from './codec.ts';
import { keepMemoryOutOfDumps } from './crash-dumps.ts';
import { registerData } from './data.ts';
import { registerDelta } from './delta.ts';
import { registerDemo } from './demo.ts';
import { registerDigest } from './digest.ts';
import { registerDoctor } from './doctor.ts';
import { registerDown } from './down.ts';
import { registerEstimate } from './estimate.ts';
import { exitCodeOf, printFailure } from './exit.ts';
import { registerForget } from './forget.ts';
import { registerGc } from './gc.ts';
import { registerHistory } from './history.ts';
import { registerInit } from './init.ts';
import { registerPreview } from './preview.ts';
import { registerRecipient } from './recipient.ts';
import { registerRender } from './render.ts';
import { registerReport } from './report.ts';
import { registerRun } from './run.ts';
import { registerSchedule } from './schedule.ts';
import { registerServe } from './serve.ts';
import { registerSetup } from './setup.ts';
import { registerStatus } from './status.ts';
import { registerSteer } from './steer.ts';
import { registerUp } from './up.ts';
import { registerWhy } from './why.ts';

keepMemoryOutOfDumps();

const program = new Command('nightreel')
  .description('Personalised video at scale, every night: Temporal, warm Chromium, x264, S3.')
  .version(packageVersion())
  .showHelpAfterError('Run it with --help for its options and examples.')
  .exitOverride()
  .configureHelp({ sortSubcommands: false });

registerDemo(program);
registerRun(program);
registerDelta(program);
registerEstimate(program);
registerRender(program);
registerInit(program);
registerPreview(program);
registerCheck(program);
registerServe(program);
registerSchedule(program);
registerBackfill(program);
registerSteer(program);
registerWhy(program);
registerRecipient(program);
registerReport(program);
registerHistory(program);
registerDigest(program);
registerForget(program);
registerGc(program);
registerUp(program);
registerStatus(program);
registerDown(program);
registerDoctor(program);
registerCodec(program);
registerSetup(program);
registerData(program);
registerBench(program);

try {
  await program.parseAsync();
} catch (error) {
  printFailure(error);
  process.exitCode = exitCodeOf(error);
}
