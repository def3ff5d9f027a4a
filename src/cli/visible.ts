/** What moves a cursor, changes colours or the direction of writing, or ends a line unseen; not the end of a line, nor a tab. */
const INVISIBLE = /(?![\n\t])[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu;

/** Text for a terminal in which there are words of others: IDs, values, what a page, an operator or a server said. */
export const visible = (text: string): string =>
  text.replaceAll(INVISIBLE, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`);
