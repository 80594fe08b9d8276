// The UPDATE parser, canonical form and AS4 translation on what routers really sent: archived update files of several collectors.
import { describe, expect, it } from 'vitest';
import { readTrace } from '../../../traces/reader.js';
import { routeAttributesToAs2, routeAttributesToAs4 } from '../../../wire/bgp/as4.js';
import { Canonicaliser } from '../../../wire/bgp/canonical.js';
import { MessageType } from '../../../wire/bgp/message.js';
import { extractRouteAttributes } from '../../../wire/bgp/route-attributes.js';
import { parseUpdate, UpdateView } from '../../../wire/bgp/update.js';
import { ByteWriter } from '../../../wire/byte-writer.js';
import type { Family } from '../../../wire/family.js';
import { Bgp4mpView, decodeBgp4mp, isBgp4mpSubtype } from '../../../wire/mrt/bgp4mp.js';
import { MrtType } from '../../../wire/mrt/types.js';
import { missing, sharedFile } from '../../support/shared.js';
import { toHex } from './build.js';

// Per file the treat-as-withdraw verdicts to expect; none of them holds a message that needs a reset.
const FILES: Record<string, [reason: string, count: number][]> = {
  'route-views.eqix.updates.20220119.1645.first500.mrt.gz': [],
  'route-views.jinx.updates.20150401.0000.bz2': [],
  'route-views.wide.updates.20161101.0000.bz2': [],
  // A peer really announced IPv6 routes with next hop ::.
  'rrc00.updates.20071015.1505.gz': [['MP_REACH_NLRI: next hop is all zeros', 21]],
  'rrc05.updates.20100722.2015.gz': [],
  'rrc06.updates.20140530.2215.gz': [],
};

const canonicaliser = new Canonicaliser();
const scratch = new Uint8Array(65536);

function canonical(attrs: Uint8Array, family: Family): string {
  const length = canonicaliser.canonicalise(attrs, 0, attrs.length, family, scratch);
  expect(length, canonicaliser.reason).toBeGreaterThanOrEqual(0);
  return toHex(scratch.subarray(0, length));
}

function translated(attrs: Uint8Array, translate: (attrs: Uint8Array, out: ByteWriter) => void): Uint8Array {
  const out = new ByteWriter();
  translate(attrs, out);
  return out.take();
}

/** Checks one announcement's attributes; `attrs` as received. */
function checkRoute(attrs: Uint8Array, as4: boolean, family: Family): void {
  const wide = as4 ? attrs : translated(attrs, (from, out) => routeAttributesToAs4(from, 0, from.length, out));
  const form = canonical(wide, family);
  const bytes = Uint8Array.from(Buffer.from(form, 'hex'));
  expect(canonical(bytes, family)).toBe(form);
  const narrow = translated(bytes, routeAttributesToAs2);
  const again = translated(narrow, (from, out) => routeAttributesToAs4(from, 0, from.length, out));
  expect(canonical(again, family)).toBe(form);
}

describe('archived updates', () => {
  it.for(Object.entries(FILES))('%s', async ([name, expected], test) => {
    const file = sharedFile(`traces/updates/${name}`);
    if (!file) return test.skip(missing(name));
    const view = new UpdateView();
    const record = new Bgp4mpView();
    const raw = new Uint8Array(65536);
    const unsound = new Map<string, number>();
    let routes = 0;
    await readTrace(file, ({ buffer, type, subtype, start, end }) => {
      if ((type !== MrtType.BGP4MP && type !== MrtType.BGP4MP_ET) || !isBgp4mpSubtype(subtype)) return;
      if (decodeBgp4mp(buffer, start, end, subtype, record) || record.kind !== 'message') return;
      const { messageStart, messageEnd, as4 } = record;
      if (buffer[messageStart + 18] !== MessageType.UPDATE) return;
      const verdict = parseUpdate(buffer, messageStart, messageEnd, { as4, ebgp: true, families: 3 }, view);
      expect(verdict.kind).not.toBe('reset');
      if (verdict.kind === 'treat-as-withdraw') {
        unsound.set(verdict.reason, (unsound.get(verdict.reason) ?? 0) + 1);
      } else {
        for (const section of view.sections.slice(0, view.sectionCount)) {
          if (section.kind === 'withdraw') continue;
          const rawEnd = extractRouteAttributes(buffer, view, section.mp, raw, 0);
          checkRoute(raw.slice(0, rawEnd), as4, section.family);
          routes++;
        }
      }
    });
    expect(routes).toBeGreaterThan(50);
    expect([...unsound]).toEqual(expected);
  });
});
