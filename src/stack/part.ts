import type { FailureClass } from '../contracts/failures.ts';
import type { PortChooser } from './ports.ts';
import type { PartName } from './state.ts';

export type Ports = Readonly<Record<string, number>>;

/** One server of the stack: how it is started, known and asked. */
export interface ServerPart {
  readonly name: PartName;
  /** What a person calls it. */
  readonly title: string;
  readonly binary: string;
  /** The command line argument that only this home's process has. */
  readonly ownArgument: string;
  /** Names and numbers of the ports that people know it by; taken when free. */
  readonly usualPorts: Ports;
  readonly graceMs: number;
  /** Class of the failure when it does not come up. */
  readonly failureClass: FailureClass;
  /** Free ports for a start. `wanted` tells which numbers to try first for a name. */
  choosePorts(chooser: PortChooser, wanted: (name: string) => readonly number[]): Promise<Ports>;
  /** Writes what it needs to start. */
  prepare(): Promise<void>;
  args(ports: Ports): readonly string[];
  /** Resolves when it does its work, throws while it does not. */
  probe(ports: Ports, signal: AbortSignal): Promise<void>;
  /** Removes what a killed process left outside the home folder. */
  clean(ports: Ports): Promise<void>;
}

/** The port of that name: a part always has all of its own. */
export function portOf(ports: Ports, name: string): number {
  const port = ports[name];
  if (port === undefined) throw new Error(`no port is recorded for ${name}`);
  return port;
}
