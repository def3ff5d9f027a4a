/** Writes docs/report.schema.json from the schema that reports are checked with: `npm run build:report-schema`, then `npm run format`. */

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { reportJsonSchema } from '../src/reporting/report-schema.ts';

await writeFile(join(import.meta.dirname, '../docs/report.schema.json'), reportJsonSchema());
