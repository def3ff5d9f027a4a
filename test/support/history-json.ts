/**
 * Histories in protobuf's JSON form and back. The SDK's own functions for that (`@temporalio/common/lib/proto-utils`, 1.23.0) throw
 * "type must be a Type" where npm installs protobufjs once for each of its packages; these take the copy that the types are made with.
 */

import { createRequire } from 'node:module';
import type { temporal } from '@temporalio/proto';
import type { HistoryEvent } from './histories.ts';

type History = temporal.api.history.v1.IHistory;
interface HistoryJson {
  readonly events: readonly HistoryEvent[];
}

const here = createRequire(import.meta.url);
const asProto = createRequire(here.resolve('@temporalio/proto'));
const { toJson, fromJson } = asProto('protobufjs/ext/protojson') as {
  toJson(type: unknown, message: unknown): HistoryJson;
  fromJson(type: unknown, json: unknown, options: object): History;
};
const type = asProto('@temporalio/proto/lib/patch-protobuf-root')
  .patchProtobufRoot(here('@temporalio/proto'))
  .lookupType('temporal.api.history.v1.History');

export const historyToJson = (history: History): HistoryJson => toJson(type, type.fromObject(history));

export const historyFromJson = (json: HistoryJson): History => fromJson(type, json, { ignoreUnknownFields: true });
