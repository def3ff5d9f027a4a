/**
 * Writes a template's `index.html` from its readable `source/` folder: style sheets and scripts go inline, fonts become data: URLs.
 * What `source/` refers to outside of itself (`../fonts/x.woff2`, `../audio/x.opus`) stays a file beside `index.html`. The output
 * depends on the input files alone.
 *
 *   node scripts/embed-template.ts [templates/referral] [--check]
 *
 * With --check it writes nothing and fails when the committed file is not what the sources give.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const STYLESHEET = /[ \t]*<link rel="stylesheet" href="([^"]+)">\n/g;
const SCRIPT = /[ \t]*<script src="([^"]+)"><\/script>\n/g;
const FONT_URL = /url\((fonts\/[^)]+\.woff2)\)/g;
const URL_OUTSIDE = /url\(\.\.\//g;
const FILE_OUTSIDE = /(<(?:audio|img|source|video)\b[^>]*\ssrc="|\sdata-composition-src=")\.\.\//g;
const PACKAGE_PREFIX = /^(?:\.\.\/)*node_modules\//;

/** Returns the composition as one self-contained HTML document. */
export function embedTemplate(sourceDir: string): string {
  const read = (reference: string): string => readFileSync(locate(sourceDir, reference), 'utf8').trimEnd();
  const html = read('index.html')
    .replace(FILE_OUTSIDE, '$1')
    .replace(STYLESHEET, (_, href: string) => `<style>\n${withFonts(sourceDir, read(href))}\n</style>\n`)
    .replace(SCRIPT, (_, src: string) => `<script>\n${inlineScript(read(src))}\n</script>\n`);
  return `${html}\n`;
}

/**
 * A reference is relative to the source folder; one into node_modules is resolved as Node would, so hoisting does not matter, and
 * a template in another project that lacks the package gets ours.
 */
function locate(sourceDir: string, reference: string): string {
  if (!PACKAGE_PREFIX.test(reference)) return path.join(sourceDir, reference);
  const paths = [path.resolve(sourceDir), import.meta.dirname];
  return createRequire(import.meta.url).resolve(reference.replace(PACKAGE_PREFIX, ''), { paths });
}

function withFonts(sourceDir: string, css: string): string {
  return css
    .replace(FONT_URL, (_, file: string) => {
      const base64 = readFileSync(path.join(sourceDir, file)).toString('base64');
      return `url(data:font/woff2;base64,${base64})`;
    })
    .replace(URL_OUTSIDE, 'url(');
}

/** A closing tag or a source map comment would end the element early or make the browser ask for a file. */
function inlineScript(js: string): string {
  return js.replace(/<\/script/gi, '<\\/script').replace(/\n?\/\/# sourceMappingURL=.*$/gm, '');
}

function main(args: readonly string[]): void {
  const templateDir = args.find((arg) => !arg.startsWith('--')) ?? 'templates/referral';
  const output = path.join(templateDir, 'index.html');
  const html = embedTemplate(path.join(templateDir, 'source'));
  if (args.includes('--check')) {
    if (!existsSync(output) || readFileSync(output, 'utf8') !== html) {
      throw new Error(
        `${output} is not what ${templateDir}/source gives: run node scripts/embed-template.ts ${templateDir}`,
      );
    }
    return;
  }
  writeFileSync(output, html);
  console.log(`${output}: ${(Buffer.byteLength(html) / 1e6).toFixed(2)} MB`);
}

if (process.argv[1] && path.resolve(process.argv[1]) === fileURLToPath(import.meta.url)) main(process.argv.slice(2));
