/** What `nightreel check` says of a template: one finding for one flaw, with its place, why it matters and what to do. */

/** `error`: the template is not fit for a night. `warning`: it is, and somebody should look. */
export type Severity = 'error' | 'warning';

export interface Finding {
  /** The rule that was broken, in kebab-case, as docs/check.md lists them: `remote-url`, `text-overflow`, … */
  readonly rule: string;
  readonly severity: Severity;
  /** Relative to the template's folder; null: the template as a whole. */
  readonly file: string | null;
  /** From 1; null: the whole file, or no line can be told. */
  readonly line: number | null;
  /** What is wrong, in one sentence. */
  readonly what: string;
  /** What it does to a night of ten thousand videos. */
  readonly why: string;
  /** What the author should do. */
  readonly fix: string;
  /** A PNG that shows it, where there is something to see. */
  readonly picture?: Uint8Array;
}
