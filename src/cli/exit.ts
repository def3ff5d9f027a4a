import { CommanderError } from 'commander';
import { EXIT } from '../contracts/exit-codes.ts';
import { FAILURES, Failure, type FailureClass } from '../contracts/failures.ts';
import { visible } from './visible.ts';

const ENVIRONMENT: readonly FailureClass[] = [
  'ToolMissing',
  'EnvironmentInvalid',
  'StorageDenied',
  'StorageUnavailable',
  'StorageUnfit',
  'WarehouseDenied',
  'WarehouseUnavailable',
  'TemporalUnavailable',
  'PayloadUnreadable',
];

export function exitCodeOf(error: unknown): number {
  // Commander has said what was wrong; help and version end that way, too, with 0.
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.badInput;
  if (!(error instanceof Failure)) return EXIT.unexpected;
  if (error.failureClass === 'Cancelled') return EXIT.interrupted;
  if (ENVIRONMENT.includes(error.failureClass)) return EXIT.environment;
  const { actor } = FAILURES[error.failureClass];
  if (actor === 'author' || actor === 'data' || error.failureClass === 'CampaignInvalid') return EXIT.badInput;
  return EXIT.unexpected;
}

/**
 * For a known failure its message, its detail when it has one (a template's own words; whoever sits here gave the params),
 * and its class; the stack for one that nobody foresaw.
 */
export function printFailure(error: unknown): void {
  if (error instanceof CommanderError) return;
  if (error instanceof Failure)
    process.stderr.write(visible(`nightreel: ${sentencesOf(error)} (${error.failureClass})\n`));
  else process.stderr.write(visible(`nightreel: unexpected error\n${error instanceof Error ? error.stack : error}\n`));
}

function sentencesOf({ message, detail }: Failure): string {
  if (detail === undefined) return message;
  // Not written here: a page's text could pass for lines of its own.
  return `${message} Detail: ${detail.replace(/\p{Cc}+/gu, ' ').trim()}`;
}
