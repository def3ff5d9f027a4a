/** Which compositions of a template will register a timeline. Pure: told from its scripts, before any of them runs. */

const REGISTRY = String.raw`(?:\b(?:window|globalThis)\.)?\b__timelines\b`;
/** `window.__timelines = window.__timelines || {}`: still empty. */
const CREATED = new RegExp(String.raw`${REGISTRY}\s*(?:\|\||\?\?)?=\s*(?:${REGISTRY}\s*(?:\|\||\?\?)\s*)?\{\s*\}`, 'g');
/** `window.__timelines["intro"]`, `window.__timelines.intro`: of one composition. */
const OF_ONE = new RegExp(
  String.raw`${REGISTRY}\s*(?:\[\s*(["'\`])(?<quoted>[^"'\`$]+)\1\s*\]|\.\s*(?<named>[A-Za-z_$][\w$]*))`,
  'g',
);

/**
 * IDs of the compositions that register one; null: it may be any, as some script does so by a name that it makes up. A
 * composition that moves by CSS or by a scene of its own has none, and nobody has to wait for it.
 */
export function timelinesIn(files: ReadonlyMap<string, Uint8Array>): readonly string[] | null {
  const found = new Set<string>();
  for (const [path, bytes] of files) {
    if (!/\.(?:html?|m?js)$/i.test(path)) continue;
    const rest = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
      .toString('utf8')
      .replaceAll(CREATED, '')
      .replaceAll(OF_ONE, (...match) => {
        const { quoted, named }: Record<string, string | undefined> = match.at(-1);
        found.add(quoted ?? named ?? '');
        return '';
      });
    if (rest.includes('__timelines')) return null;
  }
  return [...found].sort();
}
