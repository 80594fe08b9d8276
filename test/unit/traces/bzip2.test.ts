import { spawnSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Bzip2Decoder, Bzip2Error } from '../../../traces/bzip2.js';

const haveBzip2 = spawnSync('bzip2', ['--version'], { stdio: 'ignore' }).error === undefined;

/** A stored sample, so that something is tested where there is no bzip2 program: "hello, hello, hello\n". */
const HELLO = Buffer.from('QlpoOTFBWSZTWctS5WcAAAVRAAAQQAQCRKAAISQxCGAvGETHFReLuSKcKEhlqXKzgA==', 'base64');

function compress(text: Uint8Array, level = 9): Uint8Array {
  const done = spawnSync('bzip2', ['-c', `-${level}`], { input: text, maxBuffer: 1 << 26 });
  expect(done.status).toBe(0);
  return done.stdout;
}

function decompress(data: Uint8Array, step: number): Uint8Array {
  const decoder = new Bzip2Decoder();
  const out: Uint8Array[] = [];
  const take = (final: boolean) => {
    for (let text = decoder.next(final); text !== undefined; text = decoder.next(final)) out.push(text.slice());
  };
  for (let at = 0; at < data.length; at += step) {
    decoder.push(data.subarray(at, at + step));
    take(false);
  }
  take(true);
  return Buffer.concat(out);
}

/** Text with runs, repetition and noise, so that every part of the format is used. */
const texts = fc
  .array(fc.tuple(fc.uint8Array({ minLength: 1, maxLength: 20 }), fc.integer({ min: 1, max: 400 })), { maxLength: 30 })
  .map((parts) => Buffer.concat(parts.flatMap(([bytes, times]) => Array<Uint8Array>(times).fill(bytes))));

describe('Bzip2Decoder', () => {
  it('reads a stored sample, also byte by byte', () => {
    expect(Buffer.from(decompress(HELLO, 1)).toString()).toBe('hello, hello, hello\n');
  });

  it.skipIf(!haveBzip2)('reads what bzip2 writes (skipped without the bzip2 program)', () => {
    fc.assert(
      fc.property(texts, fc.integer({ min: 1, max: 5000 }), (text, step) => {
        expect(Buffer.compare(decompress(compress(text, 1), step), text)).toBe(0);
      }),
      { numRuns: 40 },
    );
  });

  it.skipIf(!haveBzip2)('reads several blocks and several streams in one file (skipped without bzip2)', () => {
    let state = 1;
    const noise = Buffer.from(new Uint8Array(350_000).map(() => (state = (state * 48271) % 2147483647) & 255));
    const runs = Buffer.alloc(3_000_000, 'a');
    const file = Buffer.concat([compress(noise, 1), compress(runs, 1), compress(new Uint8Array(0)), compress(noise)]);
    expect(Buffer.compare(decompress(file, 70_001), Buffer.concat([noise, runs, noise]))).toBe(0);
  });

  it('reports every truncation, and every flipped bit or gives the same text', () => {
    for (let length = 0; length < HELLO.length; length++) {
      expect(() => decompress(HELLO.subarray(0, length), 7), `${length} bytes`).toThrow(Bzip2Error);
    }
    for (let bit = 0; bit < HELLO.length * 8; bit++) {
      const damaged = Uint8Array.from(HELLO);
      damaged[bit >> 3] ^= 0x80 >> (bit & 7);
      try {
        expect(Buffer.from(decompress(damaged, 64)).toString()).toBe('hello, hello, hello\n');
      } catch (error) {
        expect(error).toBeInstanceOf(Bzip2Error);
      }
    }
  });

  it.skipIf(!haveBzip2)('tells truncation from damage (skipped without bzip2)', () => {
    let state = 1;
    const noise = Buffer.from(new Uint8Array(150_000).map(() => (state = (state * 48271) % 2147483647) & 15));
    const whole = compress(noise, 1);
    for (const length of [50, 5000, whole.length >> 1, whole.length - 3]) {
      expect(() => decompress(whole.subarray(0, length), 10_000)).toThrow('the file ends in the middle of a block');
    }
  });

  it('never throws anything but Bzip2Error', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        const data = Buffer.concat([HELLO.subarray(0, 14), bytes]);
        try {
          decompress(data, 50);
        } catch (error) {
          expect(error).toBeInstanceOf(Bzip2Error);
        }
      }),
      { numRuns: 500 },
    );
  });
});
