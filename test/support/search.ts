/** Looks for words that must not be somewhere, in every form in which text travels. */

interface Form {
  readonly word: string;
  readonly how: string;
  readonly bytes: Buffer;
}

export class Search {
  private readonly forms: readonly Form[];

  /** @param words what is looked for, by what it is. */
  constructor(words: Readonly<Record<string, string>>) {
    this.forms = Object.entries(words).flatMap(([word, text]) =>
      Object.entries(formsOf(text)).map(([how, bytes]) => ({ word, how, bytes })),
    );
  }

  /** What stands in these bytes, and how: `a surname (base64)`. */
  in(bytes: Uint8Array): string[] {
    const haystack = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    return this.forms.filter((form) => haystack.includes(form.bytes)).map(({ word, how }) => `${word} (${how})`);
  }
}

function formsOf(text: string): Record<string, Buffer> {
  const url = encodeURIComponent(text);
  const texts: Record<string, string> = {
    plain: text,
    'in capitals': text.toUpperCase(),
    'in small letters': text.toLowerCase(),
    'in a URL': url,
    'in a URL, in small letters': url.replaceAll(/%\w\w/g, (code) => code.toLowerCase()),
    'in a form': url.replaceAll('%20', '+'),
    'in JSON': JSON.stringify(text).slice(1, -1),
    'in JSON of ASCII': escapedBy(text, (code) => `\\u${code.toString(16).padStart(4, '0')}`),
    'in HTML': text.replaceAll(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`),
    'in HTML by name': text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;'),
    'in HTML of ASCII': escapedBy(text, (code) => `&#${code};`),
    'in hex': Buffer.from(text).toString('hex'),
    backwards: [...text].toReversed().join(''),
  };
  const plain = Object.entries(texts).map(([how, form]) => [how, Buffer.from(form)] as const);
  // Where it begins in a stream of base64 decides how it looks there.
  const inBase64 = [0, 1, 2].flatMap((offset) => {
    const form = base64At(text, offset);
    const asUrl = form.replaceAll('+', '-').replaceAll('/', '_');
    return [
      [`base64, ${offset} bytes in`, Buffer.from(form)] as const,
      [`base64url, ${offset} bytes in`, Buffer.from(asUrl)] as const,
    ];
  });
  const all = [...plain, ['UTF-16', Buffer.from(text, 'utf16le')] as const, ...inBase64];
  // Many look like the plain one.
  return Object.fromEntries([...new Map(all.map((entry) => [entry[1].toString('latin1'), entry])).values()]);
}

const escapedBy = (text: string, write: (code: number) => string): string =>
  text.replaceAll(/[^\x20-\x7e]/g, (character) => write(character.charCodeAt(0)));

function base64At(text: string, offset: number): string {
  const bytes = Buffer.concat([Buffer.alloc(offset), Buffer.from(text)]);
  // The last letter of either end depends on what is before and behind, too.
  const end = bytes.byteLength % 3 === 0 ? undefined : -1;
  return bytes.toString('base64').replaceAll('=', '').slice([0, 2, 3][offset], end);
}
