import { z } from 'zod';
import { reportSchema } from './report-json.ts';

/** JSON Schema (draft 2020-12) of `report.json`, reports of before a field was added included: docs/report.schema.json. */
export const reportJsonSchema = (): string =>
  `${JSON.stringify({ $id: 'report.schema.json', title: 'report.json of a Nightreel batch', ...z.toJSONSchema(reportSchema, { io: 'input' }) }, null, 2)}\n`;
