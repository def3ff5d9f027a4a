import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { videoFileName } from '../../src/local/file-name.ts';

test.each(['ref_00042', 'ada@example.com', '7', 'a.b-c+d', 'x'.repeat(100)])('%s is the name of its file', (id) => {
  expect(videoFileName(id)).toBe(`${id}.mp4`);
});

test.each([
  ['../../etc/passwd', /^etc-passwd~[0-9a-f]{16}\.mp4$/],
  ['..', /^~[0-9a-f]{16}\.mp4$/],
  ['shop/43', /^shop-43~/],
  ['USR-7', /^USR-7~/],
  ['🦊', /^~/],
  ['.hidden', /^hidden~/],
  ['-rf', /^rf~/],
  ['nul', /^nul~/],
  ['con.tar', /^con-tar~/],
  ['ends.', /^ends~/],
  ['x'.repeat(1025), /^x{40}~/],
  ['a~b', /^a-b~/],
])('%s is not, and gets what is plain of it and a digest', (id, name) => {
  expect(videoFileName(id)).toMatch(name);
});

describe('whatever the IDs are', () => {
  test('a name is one plain name that any disk takes', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 600 }), (id) => {
        expect(videoFileName(id)).toMatch(/^[A-Za-z0-9~][A-Za-z0-9._@+~-]*\.mp4$/);
        expect(videoFileName(id).length).toBeLessThanOrEqual(104);
      }),
    );
  });

  test('two of them never share a file, not even where upper and lower case are one', () => {
    const id = fc.oneof(fc.string({ minLength: 1 }), fc.stringMatching(/^[aA]{1,3}[./~-]?[bB]?$/));
    fc.assert(
      fc.property(id, id, (a, b) => {
        fc.pre(a !== b);
        expect(videoFileName(a).toLowerCase()).not.toBe(videoFileName(b).toLowerCase());
      }),
      { numRuns: 1000 },
    );
  });
});
