export type {
  Stack,
  StackObjectStore,
  StackParts,
  StackProcess,
  StackTemporal,
  Started,
  StartOptions,
} from './stack.ts';
export { findParts, findStack, startParts, startStack, stopStack, wipeStack } from './stack.ts';
export type { Lifetime } from './start-part.ts';
export type { PartName } from './state.ts';
export { inspectTemporal, prepareTemporal, registerCommand, registerSearchAttributes } from './temporal-probe.ts';
