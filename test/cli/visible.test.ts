import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { visible } from '../../src/cli/visible.ts';

test.each([
  ['\u001b[2J\u001b]0;title\u0007', '\\u{1b}[2J\\u{1b}]0;title\\u{7}'],
  ['8-bit \u009b31m', '8-bit \\u{9b}31m'],
  ['over\rwritten\b\b', 'over\\u{d}written\\u{8}\\u{8}'],
  ['\u202egnp.exe\u2069', '\\u{202e}gnp.exe\\u{2069}'],
  ['two\u2028lines', 'two\\u{2028}lines'],
  ['Zoë 李雷 \u{1f469}\u200d\u{1f680} אבג\n\tnext', 'Zoë 李雷 \u{1f469}\u200d\u{1f680} אבג\n\tnext'],
])('%j is shown as %j', (text, shown) => {
  expect(visible(text)).toBe(shown);
});

test('whatever it is, a terminal gets ends of lines and tabs, and no other command', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      expect(visible(text)).not.toMatch(/(?![\n\t])[\p{Cc}\p{Bidi_Control}]/u);
    }),
  );
});
