// `btr replay`: plays MRT files as one or several BGP neighbours against any BGP speaker. Owns the options, the progress line and the summary;
// the playing itself is traces/.
import process from 'node:process';
import type { Argv, CommandModule } from 'yargs';
import { traceFiles } from '../../traces/trace-files.js';
import { findPeers, planNeighbors, PlanError } from '../../traces/replay-plan.js';
import { playerName, Replay, totalCounts, type Player } from '../../traces/replay.js';
import { TraceError } from '../../traces/source.js';
import { SpeakerError } from '../../traces/speaker.js';
import { parseIpv4, parseIpv6 } from '../../wire/ip.js';
import { UserError } from '../errors.js';
import { clearProgress, printJson, printLines, printNote, printProgress } from '../output/print.js';
import { safeText } from '../output/safe-text.js';
import { bytes, count, tableLines } from '../output/table.js';

interface ReplayArguments {
  files?: string[];
  to: string[];
  peer: string[];
  as: string[];
  localAddress: string[];
  map: string[];
  derive?: number;
  peerAs?: number;
  nextHop?: string;
  nextHopV6?: string;
  speed?: number;
  limit?: number;
  loop?: number;
  holdTime: number;
  wait: number;
  maxRecord: number;
  verbatim: boolean;
  sessions: boolean;
  exit: boolean;
  json: boolean;
}

const LIST = { type: 'string', array: true, nargs: 1, requiresArg: true, default: [] as string[] } as const;

function options(yargs: Argv): Argv<ReplayArguments> {
  return yargs
    .positional('files', {
      type: 'string',
      array: true,
      describe: 'MRT files (gz, bz2 or plain): RIBs, then updates; a directory is all of its files',
    })
    .option('to', { ...LIST, describe: 'BGP speaker to play to: ADDRESS[:PORT]; repeat for one each' })
    .option('peer', {
      ...LIST,
      describe:
        'peer of the trace to play: AS30844, an address, #3, or all (default: the busiest); sent:ADDRESS is what it was sent',
    })
    .option('as', {
      ...LIST,
      describe: "own AS number, one each, counting up from the last (default: the trace peer's)",
    })
    .option('local-address', { ...LIST, describe: 'own address, one each, counting up from the last' })
    .option('map', {
      ...LIST,
      describe: 'a neighbour: peer=AS30844,local=10.0.1.2,as=65001,to=10.0.1.1[,router-id=][,derive=]',
    })
    .option('derive', {
      type: 'number',
      describe: 'play each peer twice, the second time with other paths, chosen by this seed',
    })
    .option('peer-as', { type: 'number', describe: 'AS number that the other side must have' })
    .option('next-hop', { type: 'string', describe: 'IPv4 next hop to announce (default: own address)' })
    .option('next-hop-v6', {
      type: 'string',
      describe: 'IPv6 next hop; over IPv4 sessions IPv6 is played only with it',
    })
    .option('speed', {
      type: 'number',
      describe: "times the trace's own pace: 1 original (default: as fast as it is taken)",
    })
    .option('loop', {
      type: 'number',
      describe: 'play the update files again and again for so many seconds (RIBs only once); a pass is always finished',
    })
    .option('limit', { type: 'number', describe: 'play at most this many prefixes of RIBs to each neighbour' })
    .option('hold-time', { type: 'number', default: 90, describe: 'proposed hold time in seconds, 0 for none' })
    .option('wait', { type: 'number', default: 10, describe: 'seconds to keep trying to connect' })
    .option('max-record', { type: 'number', default: 1 << 20, describe: 'longest MRT record accepted, in bytes' })
    .option('verbatim', {
      type: 'boolean',
      default: false,
      describe: 'send UPDATEs of update files byte for byte: own AS and address must be those of the trace',
    })
    .option('sessions', {
      type: 'boolean',
      default: false,
      describe: 'close and open sessions where the trace says that they went down and came up',
    })
    .option('exit', {
      type: 'boolean',
      default: false,
      describe: 'close the sessions when all is played (default: at Ctrl-C)',
    })
    .option('json', { type: 'boolean', default: false, describe: 'print the summary as JSON' })
    .check((argv) => checkOptions(argv as unknown as ReplayArguments)) as unknown as Argv<ReplayArguments>;
}

function checkOptions(argv: ReplayArguments): true {
  const positive = {
    '--speed': argv.speed,
    '--limit': argv.limit,
    '--loop': argv.loop,
    '--max-record': argv.maxRecord,
  };
  for (const [name, value] of Object.entries(positive)) {
    if (value !== undefined && !(value > 0)) throw new UserError(`${name} must be a number above 0`, 2);
  }
  if (!(argv.holdTime === 0 || (argv.holdTime >= 3 && argv.holdTime <= 65535))) {
    throw new UserError('--hold-time must be 0 or 3..65535', 2);
  }
  if (argv.nextHop !== undefined && parseIpv4(argv.nextHop) === undefined) {
    throw new UserError(`--next-hop: "${argv.nextHop}" is not an IPv4 address`, 2);
  }
  if (argv.nextHopV6 !== undefined && parseIpv6(argv.nextHopV6) === undefined) {
    throw new UserError(`--next-hop-v6: "${argv.nextHopV6}" is not an IPv6 address`, 2);
  }
  return true;
}

/** Prints a line that overwrites itself on a terminal, or now and then a plain one. On stderr: stdout is for the result. */
class ProgressLine {
  readonly #started = performance.now();
  readonly #timer: NodeJS.Timeout;

  constructor(text: () => string) {
    const tty = process.stderr.isTTY;
    this.#timer = setInterval(
      () => {
        const seconds = ((performance.now() - this.#started) / 1000).toFixed(0);
        printProgress(`${seconds} s  ${text()}`);
      },
      tty ? 200 : 5000,
    );
  }

  stop(): void {
    clearInterval(this.#timer);
    clearProgress();
  }
}

function describeProgress(replay: Replay): string {
  const { announced, withdrawn } = totalCounts(replay.players);
  const up = replay.players.filter(({ speaker }) => speaker.established).length;
  const at = Number.isNaN(replay.traceTime) ? '' : `  at ${new Date(replay.traceTime).toISOString().slice(0, 19)}`;
  const pass = replay.passes > 1 ? `pass ${replay.passes}  ` : '';
  const file = `${pass}${replay.file.split('/').pop()} ${(100 * replay.progress).toFixed(0)} %`;
  return `${file}${at}  announced ${count(announced)}, withdrawn ${count(withdrawn)}, sessions ${up}/${replay.players.length}`;
}

function summary(player: Player) {
  const { plan, speaker, feed, updatesReceived, ended } = player;
  return {
    peer: plan.peer,
    as: plan.as,
    derive: plan.derive ?? null,
    to: speaker.target,
    localAddress: speaker.localAddress ?? null,
    ...feed?.counts,
    bytes: speaker.sentBytes,
    updatesReceived,
    ended: ended ?? null,
  };
}

function report(replay: Replay, seconds: number, json: boolean): Promise<void> {
  const players = replay.players.map(summary);
  const skipped = Object.fromEntries(replay.skipped);
  if (json) {
    const { passes } = replay;
    return printJson({ seconds, passes, players, skippedRecords: skipped, notWhole: replay.cut }, { lines: true });
  }
  const rows = replay.players.map((player, i) => [
    playerName(player),
    players[i].to,
    players[i].announced ?? 0,
    players[i].withdrawn ?? 0,
    players[i].messages ?? 0,
    bytes(players[i].bytes),
    players[i].updatesReceived,
  ]);
  const header = ['neighbour', 'to', 'announced', 'withdrawn', 'UPDATEs', 'sent', 'UPDATEs back'];
  return printLines([...tableLines(header, rows), ...notes(replay), `played in ${seconds.toFixed(2)} s`]);
}

function notes(replay: Replay): string[] {
  const total = totalCounts(replay.players);
  const lines = [...replay.skipped].map(([what, n]) => `not played: ${count(n)} records, ${what}`);
  for (const text of replay.cut) lines.push(`not whole: ${text}`);
  const add = (n: number, text: string) => n > 0 && lines.push(`${count(n)} ${text}`);
  add(
    total.otherFamily,
    'prefixes not played: the session does not carry their address family, or there is no next hop (--next-hop-v6)',
  );
  add(total.tooLong, 'prefixes not played: their attributes do not fit into one message');
  add(total.treatedAsWithdraw, 'UPDATEs played as withdrawals (RFC 7606)');
  add(total.unusable, 'UPDATEs not played: nothing in them can be used');
  return lines;
}

/** Errors of the trace and of the sessions, as the user is to see them. */
function asUserError(error: unknown): unknown {
  if (error instanceof TraceError) return new UserError(error.message, 66);
  if (error instanceof PlanError) return new UserError(error.message, 2);
  if (error instanceof SpeakerError) return new UserError(error.message, 1);
  return error;
}

async function run(argv: ReplayArguments): Promise<void> {
  const files = await traceFiles(argv.files ?? []);
  const selectors = argv.map.map((text) => /(?:^|,)peer=([^,]*)/.exec(text)?.[1]);
  const wanted = selectors.includes(undefined) ? [] : [...argv.peer, ...(selectors as string[])];
  const peers = await findPeers(files, wanted);
  const neighbors = planNeighbors({ ...argv, peers: argv.peer, local: argv.localAddress }, peers);
  // From here on there are sessions to be closed in order; before, Ctrl-C just ends the program.
  const stop = new AbortController();
  const interrupt = () => stop.abort();
  process.once('SIGINT', interrupt);
  process.once('SIGTERM', interrupt);
  const { verbatim, sessions } = argv;
  const { speed, limit, loop, nextHop, nextHopV6, peerAs, holdTime, wait, maxRecord } = argv;
  const session = { nextHopV4: nextHop, nextHopV6, peerAs, holdTime, patience: wait };
  const replay = new Replay({
    files,
    neighbors,
    speed,
    limit,
    loopMs: (loop ?? 0) * 1000,
    ...session,
    verbatim,
    sessions,
    maxRecord,
    signal: stop.signal,
  });
  try {
    await replay.connect();
  } catch (error) {
    throw stop.signal.aborted ? new UserError('interrupted while connecting', 130) : error;
  }
  await playAll(replay, argv, stop.signal);
}

async function playAll(replay: Replay, argv: ReplayArguments, signal: AbortSignal): Promise<void> {
  const started = performance.now();
  const progress = new ProgressLine(() => describeProgress(replay));
  let damage: unknown;
  await replay.play().catch((error: unknown) => (damage = error));
  progress.stop();
  await report(replay, (performance.now() - started) / 1000, argv.json);
  // Not what ended with the user's own signal.
  const lost = () => (signal.aborted ? [] : replay.players.filter(({ ended }) => ended !== undefined));
  if (damage === undefined && lost().length < replay.players.length && !signal.aborted && !argv.exit) {
    if (!argv.json) printNote('sessions stay up; Ctrl-C closes them');
    await replay.hold();
  }
  const failures = lost().map(
    // What the other side said at the end is one line, whatever it is.
    (player) => safeText(`${playerName(player)}: session with ${player.speaker.target} ended: ${player.ended}`),
  );
  await replay.stop();
  if (damage !== undefined) throw damage;
  if (failures.length > 0) throw new UserError(failures.join('\nbtr: '), 1);
}

export const replayCommand: CommandModule<object, ReplayArguments> = {
  command: 'replay <files..>',
  describe: 'Play MRT trace files as BGP neighbours against any BGP speaker',
  builder: options,
  handler: async (argv) => {
    try {
      await run(argv);
    } catch (error) {
      throw asUserError(error);
    }
  },
};
