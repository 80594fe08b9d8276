// Plays transcripts of a session state machine: blocks of commands, `----`, and the effects that they have, in words a network
// engineer reads. The commands are in COMMANDS; `wait N` lets N seconds pass, with every timer at its time.
import { SessionFsm } from '../../session/fsm.js';
import type { SessionConfig, SessionEffect, SessionEvent } from '../../session/fsm.js';
import {
  CapabilityCode,
  capabilityName,
  makeCapabilities,
  multiprotocolFamilies,
} from '../../wire/bgp/capabilities.js';
import { bgpError, isBgpError } from '../../wire/bgp/error.js';
import { encodeGracefulRestart, gracefulRestartOf, type GracefulRestart } from '../../wire/bgp/graceful-restart.js';
import { MessageFramer } from '../../wire/bgp/framing.js';
import { encodeMessage, KEEPALIVE, MessageType, messageTypeName } from '../../wire/bgp/message.js';
import { decodeNotification, encodeNotification, notificationName } from '../../wire/bgp/notification.js';
import { decodeOpen, encodeOpen } from '../../wire/bgp/open.js';
import { familiesOf, familyName } from '../../wire/family.js';

const DIVIDER = '----';

class Player {
  private fsm: SessionFsm | undefined;
  private now = 0;
  /** What the owner answers when it is asked for an OPEN's graceful restart capability. */
  private restart: GracefulRestart | undefined;

  run(command: string): string[] {
    const [word, ...rest] = command.split(/\s+/);
    if (word === 'config') {
      this.restart = undefined;
      this.fsm = new SessionFsm({ ...configOf(options(rest)), gracefulRestart: () => this.restart });
      return ['ok'];
    }
    if (word === 'graceful-restart') {
      this.restart = restartOf(options(rest));
      return ['ok'];
    }
    if (!this.fsm) throw new Error('a transcript begins with "config"');
    if (word === 'wait') return this.wait(Number(rest[0]));
    return this.handle(eventOf(word, rest));
  }

  private handle(event: SessionEvent): string[] {
    return (this.fsm as SessionFsm).handle(event, this.now).map(describe);
  }

  private wait(seconds: number): string[] {
    const fsm = this.fsm as SessionFsm;
    const end = this.now + seconds * 1000;
    const lines: string[] = [];
    while (fsm.deadline() <= end) {
      this.now = fsm.deadline();
      const at = `at ${(this.now / 1000).toFixed(1)} s: `;
      lines.push(...this.handle({ kind: 'timer' }).map((line) => at + line));
    }
    this.now = end;
    return lines;
  }
}

function options(words: string[]): Record<string, string> {
  return Object.fromEntries(words.map((word) => word.split('=')).map(([key, value]) => [key, value ?? 'yes']));
}

function configOf(o: Record<string, string>): SessionConfig {
  const localAs = Number(o.as ?? 65000);
  return {
    localAs,
    routerId: o.id ?? '10.0.0.1',
    ...(o.peer === 'any' ? {} : { peerAs: Number(o.peer ?? 65001) }),
    holdTime: Number(o.hold ?? 90),
    capabilities: makeCapabilities({
      families: Number(o.families ?? 3),
      as: localAs,
      routeRefresh: true,
      extendedMessage: true,
    }),
    passive: o.passive !== undefined,
    waitForPeerOpen: o['wait-for-open'] !== undefined,
    restart: o['no-restart'] === undefined,
    ...(o.require === undefined ? {} : { requiredCapabilities: [Number(o.require)] }),
  };
}

/** `time=120 restarting families=3 forwarding=1`. */
function restartOf(o: Record<string, string>): GracefulRestart {
  return {
    restarting: o.restarting !== undefined,
    notification: false,
    restartTime: Number(o.time ?? 120),
    families: Number(o.families ?? 3),
    forwarding: Number(o.forwarding ?? 0),
  };
}

function eventOf(word: string, rest: string[]): SessionEvent {
  const connection = Number(rest[0]);
  const message = (bytes: Uint8Array): SessionEvent => {
    return { kind: 'message', connection, type: bytes[18], buffer: bytes, start: 0, end: bytes.length };
  };
  switch (word) {
    case 'start':
    case 'incoming':
    case 'read-paused':
    case 'read-resumed':
    case 'send-blocked':
    case 'send-progress':
      return { kind: word };
    case 'stop':
      return { kind: 'stop', subcode: connection, text: rest.slice(1).join(' ') };
    case 'stop-keeping-routes':
      return { kind: 'stop', subcode: connection, text: rest.slice(1).join(' '), keepRoutes: true };
    case 'connected':
      return { kind: 'connected', connection };
    case 'connect-failed':
    case 'closed':
      return { kind: word, connection, reason: rest.slice(1).join(' ') };
    case 'open':
      return message(peerOpen(options(rest.slice(1))));
    case 'keepalive':
      return message(KEEPALIVE);
    case 'update':
      return message(encodeMessage(MessageType.UPDATE, new Uint8Array(4)));
    case 'notification': {
      const [code, subcode] = rest[1].split('/').map(Number);
      return message(encodeNotification({ code, subcode, data: new Uint8Array(0) }));
    }
    case 'garbage':
      return garbage(connection);
    case 'reset': {
      const [code, subcode] = rest[0].split('/').map(Number);
      return { kind: 'reset', error: bgpError(code, subcode, rest.slice(1).join(' ')) };
    }
    default:
      throw new Error(`unknown command "${word}"`);
  }
}

function garbage(connection: number): SessionEvent {
  const framer = new MessageFramer();
  framer.push(new TextEncoder().encode('GET / HTTP/1.1\r\nHost: router\r\n\r\n'));
  framer.next();
  return { kind: 'header-error', connection, error: framer.error ?? bgpError(0, 0, 'garbage was accepted') };
}

function peerOpen(o: Record<string, string>): Uint8Array {
  const as = Number(o.as ?? 65001);
  const families = Number(o.families ?? 3);
  const all = makeCapabilities({ families, as, routeRefresh: true, extendedMessage: true });
  if (o['graceful-restart'] !== undefined) all.push(encodeGracefulRestart(restartOf({ ...o, families: '0' })));
  const bytes = encodeOpen({
    version: Number(o.version ?? 4),
    as,
    holdTime: Number(o.hold ?? 180),
    routerId: o.id ?? '10.0.0.2',
    capabilities: all.filter(({ code }) => code !== Number(o.without)),
  });
  return bytes;
}

function describe(effect: SessionEffect): string {
  switch (effect.kind) {
    case 'connect':
    case 'accept':
      return `${effect.kind} ${effect.connection}`;
    case 'refuse':
      return `refuse (${effect.reason})${effect.bytes ? `: ${describeMessage(effect.bytes)}` : ''}`;
    case 'send':
      return `send ${effect.connection} ${describeMessage(effect.bytes)}`;
    case 'close':
      return `close ${effect.connection} (${effect.reason.text})`;
    case 'state':
      return `state ${effect.from} -> ${effect.to}`;
    case 'down':
    case 'attempt-failed':
      return `${effect.kind} by ${effect.reason.origin}: ${effect.reason.text}`;
    case 'established': {
      const { peerAs, peerRouterId, holdTime, families, as4, routeRefresh, extendedMessage, gracefulRestart } =
        effect.negotiated;
      const flags = Object.entries({ as4, routeRefresh, extendedMessage, gracefulRestart }).filter(([, on]) => on);
      const names = familiesOf(families).map(familyName).join(',');
      const extras = flags.map(([name]) => ` ${name}`).join('');
      return `established ${effect.connection} AS ${peerAs} id ${peerRouterId} hold ${holdTime} ${names}${extras}`;
    }
  }
}

/** One message in words. */
function describeMessage(bytes: Uint8Array): string {
  const type = bytes[18];
  if (type === MessageType.OPEN) {
    const open = decodeOpen(bytes, 0, bytes.length);
    if (isBgpError(open)) return `broken OPEN: ${open.reason}`;
    const families = familiesOf(multiprotocolFamilies(open)).map(familyName).join(',');
    const restart = describeRestart(gracefulRestartOf(open));
    const others = open.capabilities
      .filter(({ code }) => code !== 1)
      .map(({ code }) => ` ${capabilityName(code)}${code === CapabilityCode.GRACEFUL_RESTART ? restart : ''}`);
    return `OPEN AS ${open.as} id ${open.routerId} hold ${open.holdTime} ${families}${others.join('')}`;
  }
  if (type !== MessageType.NOTIFICATION) return messageTypeName(type);
  const notification = decodeNotification(bytes, 0, bytes.length);
  if (isBgpError(notification)) return `broken NOTIFICATION: ${notification.reason}`;
  const { code, subcode, data } = notification;
  const hex = Array.from(data, (byte) => byte.toString(16).padStart(2, '0')).join('');
  return `NOTIFICATION ${code}/${subcode} ${notificationName(code, subcode)}${hex && ` data ${hex}`}`;
}

/** `(120 s, restarting, ipv4-unicast preserved, ipv6-unicast)`. */
function describeRestart(restart: GracefulRestart | undefined): string {
  if (restart === undefined) return '';
  const { restartTime, restarting, families, forwarding } = restart;
  const names = familiesOf(families).map((family) => {
    return `${familyName(family)}${(forwarding & (1 << family)) === 0 ? '' : ' preserved'}`;
  });
  return ` (${[`${restartTime} s`, ...(restarting ? ['restarting'] : []), ...names].join(', ')})`;
}

/** The transcript with the effects that its commands really have. Lines that begin with # are kept. */
export function replayTranscript(text: string): string {
  const player = new Player();
  const blocks = text.trimEnd().split(/\n{2,}/);
  const played = blocks.map((block) => {
    const commands = block.split('\n').slice(0, firstDivider(block));
    const output = commands.filter((line) => !line.startsWith('#')).flatMap((line) => player.run(line));
    if (commands.every((line) => line.startsWith('#'))) return commands.join('\n');
    return [...commands, DIVIDER, ...(output.length > 0 ? output : ['nothing'])].join('\n');
  });
  return `${played.join('\n\n')}\n`;
}

function firstDivider(block: string): number | undefined {
  const at = block.split('\n').indexOf(DIVIDER);
  return at < 0 ? undefined : at;
}
