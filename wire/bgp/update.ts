// Takes an UPDATE apart and judges it by its structure (RFC 4271 sections 4.3 and 6.3, RFC 4760, RFC 7606).
// Owns where everything is and what RFC 7606 wants done about errors; knows nothing of route selection or policy.
import { familyOf, IPV4_UNICAST } from '../family.js';
import type { Family } from '../family.js';
import { checkFlags, checkPlace, checkValue, isZero, Subcode } from './attribute-checks.js';
import type { CheckContext, Finding } from './attribute-checks.js';
import { AttributeCursor, attributeName, AttributeType } from './attributes.js';
import { ErrorCode, NO_DATA } from './error.js';
import { HEADER_LENGTH } from './message.js';
import { findBadPrefix } from './nlri.js';
import { UpdateView } from './update-view.js';

export { NlriCursor } from './nlri.js';
export { UpdateView } from './update-view.js';
export type { UpdateSection } from './update-view.js';

/** What the meaning of an UPDATE depends on: the session it came over. */
export interface UpdateContext extends CheckContext {
  /** Bitmask of negotiated families; prefixes of others are ignored. */
  families: number;
}

/**
 * What RFC 7606 does with an UPDATE.
 * - `sound`: use it. Attributes in `discard`, if any, are ignored and not among the view's attributes.
 * - `treat-as-withdraw`: all prefixes of the message count as withdrawn, those in announce sections too.
 * - `reset`: prefixes cannot be located with certainty. Answer with NOTIFICATION code/subcode/data; the view is not to be used.
 */
export interface UpdateVerdict {
  kind: 'sound' | 'treat-as-withdraw' | 'reset';
  /** NOTIFICATION code and subcode that RFC 4271 gives the error; 0/0 when sound. */
  code: number;
  subcode: number;
  data: Uint8Array;
  /** Type of the attribute at fault, where it is one. */
  attribute?: number;
  /** Why, for people; empty when nothing is wrong. */
  reason: string;
  /** Attribute types that were discarded, duplicates included. */
  discard: readonly number[];
}

/** The verdict on a message without any fault: one shared object. */
export const SOUND: UpdateVerdict = {
  kind: 'sound',
  code: 0,
  subcode: 0,
  data: NO_DATA,
  reason: '',
  discard: [],
};

// NOTIFICATION data is cut to what fits in a message.
const MAX_DATA = 4096 - HEADER_LENGTH - 2;

/**
 * Parses the UPDATE in bytes start..end (header included, framed before) into `out`. Never throws; a message without faults costs no
 * allocation. Not reentrant.
 */
export function parseUpdate(
  buf: Uint8Array,
  start: number,
  end: number,
  context: UpdateContext,
  out: UpdateView,
): UpdateVerdict {
  return parser.parse(buf, start, end, context, out);
}

/** The state of one parse; one instance is reused so that nothing is allocated per message. */
class UpdateParser {
  private buf: Uint8Array = NO_DATA;
  private context: UpdateContext = { as4: true, ebgp: true, families: 0 };
  private view = new UpdateView();
  private readonly cursor = new AttributeCursor();
  // Attribute types seen in this message: seen[type] === generation.
  private readonly seen = new Uint32Array(256);
  private generation = 0;
  // The worst finding so far, and everything discarded.
  private verdict: UpdateVerdict = SOUND;
  private discarded: number[] | undefined;
  private discardReasons = '';
  // MP_REACH_NLRI holds prefixes, of a negotiated family or not.
  private mpReaches = false;
  private attributeTotal = 0;

  parse(buf: Uint8Array, start: number, end: number, context: UpdateContext, out: UpdateView): UpdateVerdict {
    this.buf = buf;
    this.context = context;
    this.view = out;
    this.verdict = SOUND;
    this.discarded = undefined;
    this.discardReasons = '';
    this.mpReaches = false;
    this.attributeTotal = 0;
    this.nextGeneration();
    out.clear();
    const body = start + HEADER_LENGTH;
    if (end - body < 4) return reset(Subcode.MALFORMED_ATTRIBUTE_LIST, 'shorter than 23 bytes');
    const withdrawnStart = body + 2;
    const withdrawnEnd = withdrawnStart + ((buf[body] << 8) | buf[body + 1]);
    if (withdrawnEnd + 2 > end) {
      return reset(Subcode.MALFORMED_ATTRIBUTE_LIST, 'withdrawn routes overrun the message');
    }
    const attributesStart = withdrawnEnd + 2;
    const attributesEnd = attributesStart + ((buf[withdrawnEnd] << 8) | buf[withdrawnEnd + 1]);
    if (attributesEnd > end) return reset(Subcode.MALFORMED_ATTRIBUTE_LIST, 'path attributes overrun the message');
    out.attributesStart = attributesStart;
    out.attributesEnd = attributesEnd;
    if (findBadPrefix(buf, withdrawnStart, withdrawnEnd, IPV4_UNICAST) >= 0) {
      return reset(Subcode.INVALID_NETWORK_FIELD, 'bad prefix in the withdrawn routes');
    }
    if (findBadPrefix(buf, attributesEnd, end, IPV4_UNICAST) >= 0) {
      return reset(Subcode.INVALID_NETWORK_FIELD, 'bad prefix in the NLRI');
    }
    const classic = (context.families & (1 << IPV4_UNICAST)) !== 0;
    if (classic) out.addSection('withdraw', IPV4_UNICAST, withdrawnStart, withdrawnEnd, false);
    this.parseAttributes(attributesEnd < end);
    if (classic) out.addSection('announce', IPV4_UNICAST, attributesEnd, end, false);
    this.sortMpSections();
    if (end === body + 4) out.endOfRib = IPV4_UNICAST;
    else if (withdrawnEnd > withdrawnStart || attributesEnd < end) out.endOfRib = undefined;
    return this.conclude(attributesEnd < end);
  }

  private nextGeneration(): void {
    if (++this.generation <= 0xffffffff) return;
    this.seen.fill(0);
    this.generation = 1;
  }

  private parseAttributes(hasNlri: boolean): void {
    const { cursor, view } = this;
    cursor.reset(this.buf, view.attributesStart, view.attributesEnd);
    while (this.verdict.kind !== 'reset' && cursor.next()) {
      this.attributeTotal++;
      const { type } = cursor;
      const first = this.seen[type] !== this.generation;
      this.seen[type] = this.generation;
      if (type === AttributeType.MP_REACH_NLRI || type === AttributeType.MP_UNREACH_NLRI) {
        // With two of them nobody can tell which prefixes are meant (RFC 7606 section 3 g).
        if (!first) this.reset(Subcode.MALFORMED_ATTRIBUTE_LIST, 'twice in one message');
        else this.takeMp(type);
      } else if (!first) {
        this.discard(type, 'twice in one message');
      } else {
        this.take(type, hasNlri);
      }
    }
    if (cursor.overrun) this.judgeOverrun(cursor.type);
    // An MP_UNREACH_NLRI of no prefixes marks the end only where it stands alone.
    if (this.attributeTotal !== 1) view.endOfRib = undefined;
  }

  /** RFC 7606 section 4: the prefixes in their own field are still located; those inside the culprit are not. */
  private judgeOverrun(type: number): void {
    this.attributeTotal++;
    if (type === AttributeType.MP_REACH_NLRI || type === AttributeType.MP_UNREACH_NLRI) {
      this.reset(Subcode.OPTIONAL_ATTRIBUTE, 'overruns the path attributes field');
    } else {
      this.withdraw(Subcode.ATTRIBUTE_LENGTH, 'overruns the path attributes field', type);
    }
  }

  private take(type: number, hasNlri: boolean): void {
    const { buf, context, cursor } = this;
    const finding =
      checkPlace(type, context) ??
      checkFlags(cursor.flags, type) ??
      checkValue(type, buf, cursor.valueStart, cursor.end, context);
    if (finding) {
      this.note(finding, type);
      if (finding.action === 'discard') return;
    } else if (type === AttributeType.NEXT_HOP && hasNlri && isZero(buf, cursor.valueStart, cursor.end)) {
      // Only where it is used: some speakers fill it with zeros beside MP_REACH_NLRI.
      this.withdraw(Subcode.INVALID_NEXT_HOP, '0.0.0.0', type);
    }
    this.view.addAttribute(type, cursor.start, cursor.end);
  }

  private takeMp(type: number): void {
    const { buf, cursor } = this;
    const flags = checkFlags(cursor.flags, type);
    if (flags) this.note(flags, type);
    const minimum = type === AttributeType.MP_REACH_NLRI ? 5 : 3;
    const length = cursor.end - cursor.valueStart;
    if (length < minimum) {
      this.reset(Subcode.OPTIONAL_ATTRIBUTE, `length ${length}`);
      return;
    }
    const at = cursor.valueStart;
    const family = familyOf((buf[at] << 8) | buf[at + 1], buf[at + 2]);
    const carried = family !== undefined && (this.context.families & (1 << family)) !== 0 ? family : undefined;
    if (type === AttributeType.MP_REACH_NLRI) this.takeReach(carried);
    else if (carried !== undefined) this.takeUnreach(carried);
  }

  private takeReach(family: Family | undefined): void {
    const { buf, cursor, view } = this;
    const nextHop = cursor.valueStart + 4;
    const length = buf[nextHop - 1];
    const nlri = nextHop + length + 1;
    if (nlri > cursor.end) {
      this.reset(Subcode.OPTIONAL_ATTRIBUTE, 'next hop overruns the attribute');
      return;
    }
    this.mpReaches = nlri < cursor.end;
    if (family === undefined) return;
    const expected = family === IPV4_UNICAST ? length === 4 : length === 16 || length === 32;
    if (!expected) {
      this.reset(Subcode.OPTIONAL_ATTRIBUTE, `next hop of ${length} bytes`);
      return;
    }
    if (findBadPrefix(buf, nlri, cursor.end, family) >= 0) {
      this.reset(Subcode.OPTIONAL_ATTRIBUTE, 'bad prefix');
      return;
    }
    if (isZero(buf, nextHop, nextHop + length)) {
      this.withdraw(Subcode.INVALID_NEXT_HOP, 'next hop is all zeros', AttributeType.MP_REACH_NLRI);
    }
    view.mpFamily = family;
    view.mpNextHopStart = nextHop;
    view.mpNextHopEnd = nextHop + length;
    view.addAttribute(AttributeType.MP_REACH_NLRI, cursor.start, cursor.end);
    view.addSection('announce', family, nlri, cursor.end, true);
  }

  private takeUnreach(family: Family): void {
    const { buf, cursor, view } = this;
    const nlri = cursor.valueStart + 3;
    if (findBadPrefix(buf, nlri, cursor.end, family) >= 0) {
      this.reset(Subcode.OPTIONAL_ATTRIBUTE, 'bad prefix');
      return;
    }
    if (nlri === cursor.end) view.endOfRib = family;
    view.addSection('withdraw', family, nlri, cursor.end, true);
  }

  /** MP_REACH_NLRI usually precedes MP_UNREACH_NLRI; the view promises withdrawals first. */
  private sortMpSections(): void {
    const { sections, sectionCount } = this.view;
    for (let i = 1; i < sectionCount; i++) {
      const section = sections[i];
      const before = sections[i - 1];
      if (section.kind === 'withdraw' && before.kind === 'announce') this.view.swapSections(i - 1, i);
    }
  }

  private conclude(hasNlri: boolean): UpdateVerdict {
    if (this.verdict.kind === 'reset') return this.verdict;
    const reaches = hasNlri || this.mpReaches;
    if (reaches) this.checkMandatory(hasNlri);
    const onlyUnreach = this.attributeTotal === 1 && this.seen[AttributeType.MP_UNREACH_NLRI] === this.generation;
    if (this.verdict.kind === 'treat-as-withdraw' && !reaches && !onlyUnreach) {
      // RFC 7606 section 5.2: broken attributes and no prefix they belong to: prefixes may have been overlooked.
      return { ...this.verdict, kind: 'reset', reason: `${this.verdict.reason}, and no prefixes are announced` };
    }
    if (!this.discarded) return this.verdict;
    const { verdict } = this;
    const reason = verdict === SOUND ? `discarded: ${this.discardReasons}` : verdict.reason;
    return { ...verdict, reason, discard: this.discarded };
  }

  private checkMandatory(hasNlri: boolean): void {
    this.require(AttributeType.ORIGIN);
    this.require(AttributeType.AS_PATH);
    if (hasNlri) this.require(AttributeType.NEXT_HOP);
  }

  private require(type: number): void {
    if (this.seen[type] === this.generation || this.verdict.kind !== 'sound') return;
    this.verdict = verdictOf('treat-as-withdraw', Subcode.MISSING_WELL_KNOWN, `${attributeName(type)} is missing`, {
      data: Uint8Array.of(type),
      attribute: type,
    });
  }

  private note(finding: Finding, type: number): void {
    if (finding.action === 'discard') this.discard(type, finding.reason);
    else this.withdraw(finding.subcode, finding.reason, type);
  }

  private discard(type: number, reason: string): void {
    this.discarded ??= [];
    this.discarded.push(type);
    // One reason is enough for people; the list of types is complete.
    if (this.discardReasons === '') this.discardReasons = `${attributeName(type)}: ${reason}`;
  }

  private withdraw(subcode: number, reason: string, type: number): void {
    if (this.verdict.kind !== 'sound') return;
    this.verdict = verdictOf('treat-as-withdraw', subcode, `${attributeName(type)}: ${reason}`, {
      data: this.culprit(),
      attribute: type,
    });
  }

  private reset(subcode: number, reason: string): void {
    const { type } = this.cursor;
    this.verdict = verdictOf('reset', subcode, `${attributeName(type)}: ${reason}`, {
      data: this.culprit(),
      attribute: type,
    });
  }

  /** The attribute at the cursor: what RFC 4271 section 6.3 puts in the data field. */
  private culprit(): Uint8Array {
    const { start, end, overrun } = this.cursor;
    const stop = overrun ? this.view.attributesEnd : end;
    return this.buf.slice(start, Math.min(stop, start + MAX_DATA));
  }
}

const parser = new UpdateParser();

function reset(subcode: number, reason: string): UpdateVerdict {
  return verdictOf('reset', subcode, reason, { data: NO_DATA });
}

function verdictOf(
  kind: UpdateVerdict['kind'],
  subcode: number,
  reason: string,
  rest: { data: Uint8Array; attribute?: number },
): UpdateVerdict {
  return { kind, code: ErrorCode.UPDATE, subcode, reason, discard: [], ...rest };
}
