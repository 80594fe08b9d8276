import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { makeCapabilities } from '../../../wire/bgp/capabilities.js';
import { encodeGracefulRestart, gracefulRestartOf } from '../../../wire/bgp/graceful-restart.js';
import { fromHex } from './build.js';

const of = (...values: string[]) =>
  gracefulRestartOf({ capabilities: values.map((hex) => ({ code: 64, value: fromHex(hex) })) });

describe('the graceful restart capability', () => {
  it('reads back what it writes', () => {
    const restart = fc
      .record({
        restarting: fc.boolean(),
        notification: fc.boolean(),
        restartTime: fc.nat(4095),
        families: fc.nat(3),
        forwarding: fc.nat(3),
      })
      .map((r) => ({ ...r, forwarding: r.forwarding & r.families }));
    fc.assert(
      fc.property(restart, (r) => {
        const capabilities = [...makeCapabilities({ families: 3, as: 65000 }), encodeGracefulRestart(r)];
        expect(gracefulRestartOf({ capabilities })).toEqual(r);
      }),
    );
  });

  it('has the bytes of RFC 4724', () => {
    const base = { restarting: true, notification: false, restartTime: 120, families: 3, forwarding: 1 };
    expect(encodeGracefulRestart(base)).toEqual({ code: 64, value: fromHex('8078 00010180 00020100') });
    expect(encodeGracefulRestart({ ...base, restarting: false, families: 2, forwarding: 0 }).value).toEqual(
      fromHex('0078 00020100'),
    );
    // Twelve bits: a longer time must not turn into flags.
    expect(encodeGracefulRestart({ ...base, restartTime: 5000, families: 0 }).value).toEqual(fromHex('8fff'));
  });

  it.each([
    ['BIRD, which only helps', '0078', { restarting: false, notification: false, restartTime: 120, families: 0 }],
    ['FRR after a start', 'c078', { restarting: true, notification: true, restartTime: 120, families: 0 }],
    ['OpenBGPD', '8000', { restarting: true, notification: false, restartTime: 0, families: 0 }],
    ['families that are not carried', '4005 0001 80 80 0019 41 80 0002 01 80', { restartTime: 5, families: 2 }],
  ])('understands %s', (_who, hex, expected) => {
    expect(of(hex)).toMatchObject(expected);
  });

  it('takes the last of several, and none that is malformed', () => {
    expect(of('0078', '8001')).toMatchObject({ restarting: true, restartTime: 1 });
    expect(gracefulRestartOf({ capabilities: [] })).toBeUndefined();
    for (const bad of ['', '00', '007800', '00780001', '0078000101']) expect(of(bad)).toBeUndefined();
  });

  it('never throws on any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 255 }), (value) => {
        const restart = gracefulRestartOf({ capabilities: [{ code: 64, value }] });
        if (restart) expect(restart.forwarding & ~restart.families).toBe(0);
      }),
    );
  });
});
