/**
 * What other programs read of Nightreel's: the pointer that names somebody's video, the report of a night, the classes of failures.
 * These, the command line and the JSON Schemas keep their meaning within a major version (docs/versions.md); no other file does.
 */

export { FAILURES, type FailureClass } from './contracts/failures.ts';
export { type BatchReport, parseReport, reportSchema } from './reporting/report-json.ts';
export { type NeutralPointer, neutralPointerSchema, type Pointer, pointerSchema } from './storage/pointers.ts';
