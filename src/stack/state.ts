import { readFile, rename, writeFile } from 'node:fs/promises';
import { z } from 'zod';
import type { StackHome } from './home.ts';

const partSchema = z.object({
  /** Of the process as it was started; null after `down`. Whether it still is that process is for `isOurs` to say. */
  pid: z.number().int().positive().nullable(),
  ports: z.record(z.string(), z.number().int().min(1).max(65_535)),
  /** ISO 8601; null until it answered for the first time. */
  readyAt: z.string().nullable(),
});

const stateSchema = z.object({
  version: z.literal(1),
  credentials: z.object({ accessKeyId: z.string(), secretAccessKey: z.string() }),
  parts: z.object({ temporal: partSchema.optional(), seaweedfs: partSchema.optional() }),
});

export const PART_NAMES = ['temporal', 'seaweedfs'] as const;
export type PartName = (typeof PART_NAMES)[number];
export type PartState = z.infer<typeof partSchema>;
export type StackState = z.infer<typeof stateSchema>;

/** What the last `up` wrote, or null when there is nothing usable: then processes are found by their arguments alone. */
export async function readState(home: StackHome): Promise<StackState | null> {
  let text: string;
  try {
    text = await readFile(home.stateFile, 'utf8');
  } catch {
    return null;
  }
  try {
    return stateSchema.parse(JSON.parse(text));
  } catch {
    return null;
  }
}

/** Replaces the state as a whole; readable by its owner only. */
export async function writeState(home: StackHome, state: StackState): Promise<void> {
  const temporary = `${home.stateFile}.${process.pid}`;
  await writeFile(temporary, `${JSON.stringify(state, null, 2)}\n`, { mode: 0o600 });
  await rename(temporary, home.stateFile);
}
