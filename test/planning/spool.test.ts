import { mkdtempSync, readdirSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Spool } from '../../src/planning/spool.ts';
import { TextIndex } from '../../src/planning/text-index.ts';

const ownFiles = (): string[] =>
  readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      const target = readlinkSync(`/proc/self/fd/${fd}`);
      return target.includes('nightreel-plan-') ? [target] : [];
    } catch {
      return [];
    }
  });

describe('a spool', () => {
  test('gives back every text, in whatever order, from memory and from its file', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ unit: 'grapheme', maxLength: 40 })),
        fc.integer({ min: 1, max: 64 }),
        (texts, bytes) => {
          using spool = new Spool({ bufferBytes: bytes });
          for (const [n, text] of texts.entries()) {
            expect(spool.append(text)).toBe(n);
            expect(spool.at(n)).toBe(text);
          }
          for (const [n, text] of [...texts.entries()].reverse()) expect(spool.at(n)).toBe(text);
          expect(spool.size).toBe(texts.length);
        },
      ),
    );
  });

  test('has a file only when it must, which no folder names and which ends with it', () => {
    const folder = mkdtempSync(join(tmpdir(), 'nightreel-test-'));
    using small = new Spool();
    small.append('x'.repeat(1000));
    expect(ownFiles()).toEqual([]);
    {
      using large = new Spool({ bufferBytes: 1000, folder });
      for (let n = 0; n < 10; n += 1) large.append(`${n}`.repeat(999));
      expect(ownFiles()).toEqual([expect.stringMatching(/\(deleted\)$/)]);
      expect(readdirSync(folder)).toEqual([]);
      expect(large.at(3)).toBe('3'.repeat(999));
    }
    expect(ownFiles()).toEqual([]);
    rmSync(folder, { recursive: true });
  });

  test('says what to do where there is no room for its file', () => {
    using spool = new Spool({ bufferBytes: 1000, folder: '/proc/nowhere' });
    const fill = () => {
      for (let n = 0; n < 10; n += 1) spool.append('x'.repeat(999));
    };
    expect(fill).toThrow(
      expect.objectContaining({ failureClass: 'EnvironmentInvalid', message: expect.stringContaining('TMPDIR') }),
    );
  });
});

describe('a text index', () => {
  test('numbers different texts as they come, and knows them again', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'grapheme', maxLength: 12 })), (texts) => {
        const index = new TextIndex('utf8');
        const known = new Map<string, number>();
        for (const text of texts) {
          expect(index.get(text)).toBe(known.get(text));
          if (!known.has(text)) known.set(text, known.size);
          expect(index.add(text)).toBe(known.get(text));
        }
        expect([...index]).toEqual([...known.keys()]);
        expect(index.size).toBe(known.size);
      }),
    );
  });

  test('holds a hundred thousand of them, some of one length and some that begin alike', () => {
    const index = new TextIndex('utf8');
    const texts = Array.from({ length: 100_000 }, (_, n) =>
      n % 2 === 0 ? `user-${n}` : `user-${n}/${'é'.repeat(n % 7)}`,
    );
    expect(texts.every((text, n) => index.add(text) === n)).toBe(true);
    expect(texts.every((text, n) => index.get(text) === n && index.at(n) === text)).toBe(true);
    expect(index.get('user-1')).toBeUndefined();
  });

  test('of digests refuses what is none', () => {
    const index = new TextIndex('hex');
    expect(index.add('00ff')).toBe(0);
    expect(index.at(0)).toBe('00ff');
    expect(() => index.add('nothex')).toThrow(TypeError);
  });
});
