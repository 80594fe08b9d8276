// UPDATEs for people.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { describeUpdate } from '../../../wire/bgp/describe-message.js';

const bytes = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, 'hex'));
const MARKER = 'ff'.repeat(16);

describe('describing an UPDATE', () => {
  test('a sound one', () => {
    const message = bytes(`${MARKER}003302000000144001010040020602010000fde94003040a0001021814000118140002`);
    expect(describeUpdate(message)).toEqual({
      verdict: 'sound',
      reason: '',
      withdrawn: [],
      announced: ['20.0.1.0/24', '20.0.2.0/24'],
      attributes: [
        { name: 'ORIGIN', text: 'IGP' },
        { name: 'AS_PATH', text: '65001' },
        { name: 'NEXT_HOP', text: '10.0.1.2' },
      ],
    });
  });

  test('a withdrawal in MP_UNREACH_NLRI, an MP_REACH_NLRI without prefixes: attributes as they stand there', () => {
    const withdrawal = describeUpdate(bytes(`${MARKER}0021020000000a800f0700010118144200`));
    expect(withdrawal).toMatchObject({ verdict: 'sound', withdrawn: ['20.66.0.0/24'], announced: [] });
    const odd = describeUpdate(
      bytes(`${MARKER}00330200000018800e150002011020010db80001000000000000000000020018144200`),
    );
    expect(odd.verdict).toBe('treat-as-withdraw');
    expect(odd.reason).not.toBe('');
    expect(odd.announced).toEqual(['20.66.0.0/24']);
    expect(odd.attributes).toEqual([{ name: 'MP_REACH_NLRI', text: '0x0002011020010db800010000000000000000000200' }]);
  });

  test('at most as many prefixes as wanted', () => {
    const message = bytes(`${MARKER}003302000000144001010040020602010000fde94003040a0001021814000118140002`);
    expect(describeUpdate(message, 1).announced).toEqual(['20.0.1.0/24']);
  });

  test('property: any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (body) => {
        const message = Uint8Array.from([...bytes(MARKER), 0, 19 + body.length, 2, ...body]);
        expect(() => describeUpdate(message)).not.toThrow();
      }),
    );
  });
});
