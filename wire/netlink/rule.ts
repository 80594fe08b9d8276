// Policy rules (struct fib_rule_hdr): enough to tell them apart and to show them. The rest stays in the raw message.
import { FRA_PRIORITY, FRA_TABLE, RULE_HEADER_LENGTH } from './constants.js';
import { AttributeCursor, readU32 } from './message.js';

export interface Rule {
  /** AF_INET, AF_INET6, or a multicast routing family. */
  family: number;
  /** 0 is looked at first. */
  priority: number;
  table: number;
  /** FR_ACT_*. */
  action: number;
  flags: number;
}

/** Takes the body payload..end of a rule message apart; a string says what is wrong with it. Never throws. */
export function decodeRule(buf: Uint8Array, payload: number, end: number): Rule | string {
  if (end - payload < RULE_HEADER_LENGTH) return 'rule message is cut off';
  const rule: Rule = {
    family: buf[payload],
    priority: 0,
    table: buf[payload + 4],
    action: buf[payload + 7],
    flags: readU32(buf, payload + 8),
  };
  const cursor = new AttributeCursor();
  cursor.reset(buf, payload + RULE_HEADER_LENGTH, end);
  while (cursor.next()) {
    if (cursor.length !== 4) continue;
    if (cursor.type === FRA_PRIORITY) rule.priority = readU32(buf, cursor.at);
    else if (cursor.type === FRA_TABLE) rule.table = readU32(buf, cursor.at);
  }
  return cursor.error === undefined ? rule : `rule message: ${cursor.error}`;
}
