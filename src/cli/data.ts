import { type Command, Option } from 'commander';
import type { BusinessDate } from '../contracts/ids.ts';
import { SOURCE_TYPES, type SourceType } from '../warehouse/source.ts';
import { businessDate, positiveInteger } from './arguments.ts';

export interface GenerateFlags {
  readonly to: SourceType;
  readonly recipients: number;
  readonly days: number;
  readonly date?: BusinessDate;
  readonly file?: string;
  readonly json?: boolean;
}

export function registerData(program: Command): void {
  const data = program.command('data').description('Make data to try things with');
  data
    .command('generate')
    .description('Put the generated referral business into a warehouse: the same people in every engine')
    .addOption(new Option('--to <engine>', 'where to').choices([...SOURCE_TYPES]).makeOptionMandatory())
    .option('--recipients <count>', 'people on the first day', positiveInteger, 10_000)
    .option('--days <count>', 'days that pass, each of which changes about half of them', positiveInteger, 1)
    .option('--date <day>', 'the last of these days, default: today in New York', businessDate)
    .option('--file <path>', 'file of --to duckdb or csv; default: where `nightreel delta --source` looks')
    .option('--json', 'one JSON object')
    .addHelpText(
      'after',
      `
Examples:
  nightreel data generate --to postgres                       the table referrers, at NIGHTREEL_POSTGRES_URL or PG*
  nightreel data generate --to snowflake --recipients 1000    at SNOWFLAKE_*
  nightreel data generate --to csv --file people.csv --days 5
  nightreel data generate --to duckdb --recipients 1000000

A table of that name is replaced. Names, amounts and times are invented, and the same on every machine.`,
    )
    .action(async (flags: GenerateFlags) => {
      const [{ generateData }, { readEnvironment }, { onInterrupt }] = await Promise.all([
        import('./generate-data.ts'),
        import('../config/environment.ts'),
        import('./interrupt.ts'),
      ]);
      process.stdout.write(await generateData(readEnvironment(), flags, onInterrupt('Generating was stopped.')));
    });
}
