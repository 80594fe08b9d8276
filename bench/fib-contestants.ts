// Who writes the table in the forwarding-table benchmark, each in a namespace of its own: the hypervisor's writer, `ip -batch`, BIRD
// with static routes and its kernel protocol, and zebra fed by a routing daemon's protocol. Owns starting them and telling them to
// write; the clock is the observer's (fib-writer.ts).
import { execFile } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { promisify } from 'node:util';
import { findProgram } from '../cli/lab/lab.js';
import type { Lab } from '../cli/lab/lab.js';
import { startZebra } from '../cli/lab/plain-daemons.js';
import type { LabProcess } from '../cli/lab/process.js';
import { waitFor } from '../cli/lab/wait.js';
import { ByteWriter } from '../wire/byte-writer.js';
import { formatIpv4, parseAddress } from '../wire/ip.js';
import type { FromOwn, OwnOp, ToOwn } from './fib-protocol.js';
import { zapiHello, zapiRoute } from './zapi.js';

const execute = promisify(execFile);

/** A table to be written, the same for everybody. */
export interface FibTable {
  /** Pairs of words: IPv4 address and prefix length. */
  words: Uint32Array;
  /** The same in a file. */
  file: string;
  gateways: [string, string];
  /** The interface towards the gateways. */
  device: string;
  ifindex: number;
}

export interface WriterCost {
  userMs: number;
  systemMs: number;
  /** System calls for writing, where they are counted. */
  calls?: number;
}

export interface Contestant {
  /** The process whose CPU time counts; undefined when it is a new one each time. */
  process: LabProcess | undefined;
  /** Starts writing, and resolves when that is certain. What it says about its own cost, if it does: then it has ended. */
  run(op: OwnOp): Promise<WriterCost | undefined>;
  stop(): Promise<void>;
}

export const NAMESPACE = 'router';
const PROGRAM = (name: string): string => path.join(import.meta.dirname, `${name}.js`);

/** The contestants by name. */
export const CONTESTANTS: Record<string, (lab: Lab, table: FibTable) => Promise<Contestant>> = {
  hypervisor: startOwn,
  'ip -batch': startIp,
  bird: startBird,
  zebra: startFedZebra,
};

async function startOwn(lab: Lab, { file, gateways, ifindex }: FibTable): Promise<Contestant> {
  const own = await lab.spawn(NAMESPACE, ['node', '--enable-source-maps', PROGRAM('fib-own')], { ipc: true });
  const ask = (message: ToOwn): Promise<FromOwn> =>
    new Promise((resolve, reject) => {
      own.child.once('message', (answer: unknown) => resolve(answer as FromOwn));
      void own.exited.then(() => reject(new Error(`the writer ended: ${own.logTail(5)}`)));
      own.child.send!(message, undefined, () => undefined);
    });
  await ask({ kind: 'load', file, gateways, ifindex });
  return {
    process: own,
    run: async (op) => {
      const answer = await ask({ kind: 'run', op });
      return answer.kind === 'done' ? answer : undefined;
    },
    stop: async () => void (await own.stop()),
  };
}

function* prefixesOf({ words }: FibTable): Generator<string> {
  const address = new DataView(new ArrayBuffer(4));
  for (let i = 0; i < words.length; i += 2) {
    address.setUint32(0, words[i]!);
    yield `${formatIpv4(new Uint8Array(address.buffer), 0)}/${words[i + 1]}`;
  }
}

async function startIp(lab: Lab, table: FibTable): Promise<Contestant> {
  const { gateways, device } = table;
  const lines: Record<OwnOp, (prefix: string) => string> = {
    insert: (prefix) => `route add ${prefix} via ${gateways[0]} dev ${device} proto 179 metric 179`,
    replace: (prefix) => `route replace ${prefix} via ${gateways[1]} dev ${device} proto 179 metric 179`,
    remove: (prefix) => `route delete ${prefix} proto 179 metric 179`,
  };
  const file = (op: OwnOp): string => path.join(lab.directory, `ip-${op}`);
  for (const op of ['insert', 'replace', 'remove'] as const) {
    writeFileSync(file(op), [...prefixesOf(table)].map(lines[op]).join('\n'));
  }
  return {
    process: undefined,
    run: async (op) => {
      const ip = await lab.spawn(NAMESPACE, ['sh', '-c', 'ip -batch "$0"; times', file(op)], { name: `ip-${op}` });
      await ip.exited;
      return shellTimes(ip.logTail(1));
    },
    stop: () => Promise.resolve(),
  };
}

/** The last line of the shell's `times`: user and system time of its children, as 0m1.230000s. */
function shellTimes(line: string): WriterCost {
  const [userMs = 0, systemMs = 0] = [...line.matchAll(/(\d+)m([\d.]+)s/g)].map(
    ([, minutes, seconds]) => (Number(minutes) * 60 + Number(seconds)) * 1000,
  );
  return { userMs, systemMs };
}

async function startBird(lab: Lab, table: FibTable): Promise<Contestant> {
  const [bird, birdc] = [findProgram('bird'), findProgram('birdc')];
  if (!bird || !birdc) throw new Error('bird (Debian package bird2) is not installed');
  const directory = path.join(lab.directory, 'bird');
  mkdirSync(directory, { recursive: true });
  const file = (gateway: string | undefined): string => path.join(directory, `${gateway ?? 'empty'}.conf`);
  const head =
    'router id 10.0.0.1;\nprotocol device { scan time 3600; }\n' +
    'protocol kernel { scan time 3600; ipv4 { import none; export all; }; }\n';
  for (const gateway of table.gateways) {
    const lines = [...prefixesOf(table)].map((prefix) => `route ${prefix} via ${gateway};`);
    writeFileSync(file(gateway), `${head}protocol static { ipv4;\n${lines.join('\n')}\n}\n`);
  }
  writeFileSync(file(undefined), head);
  const socket = path.join(directory, 'ctl');
  const argv = [bird, '-f', '-c', file(undefined), '-s', socket, '-P', path.join(directory, 'pid')];
  const child = await lab.spawn(NAMESPACE, argv, { name: 'bird' });
  const control = async (...words: string[]): Promise<string> =>
    (await execute(birdc, ['-s', socket, ...words], { maxBuffer: 1 << 24 })).stdout;
  await waitFor(async () => (await control('show', 'status')) !== '', { what: 'BIRD answers', deadlineMs: 15_000 });
  const configs: Record<OwnOp, string> = {
    insert: file(table.gateways[0]),
    replace: file(table.gateways[1]),
    remove: file(undefined),
  };
  return {
    process: child,
    run: async (op) => void (await control('configure', `"${configs[op]}"`)),
    stop: async () => void (await child.stop()),
  };
}

async function startFedZebra(lab: Lab, table: FibTable): Promise<Contestant> {
  const directory = path.join(lab.directory, 'zebra');
  mkdirSync(directory, { recursive: true });
  const zebra = await startZebra(lab, NAMESPACE, 'bench', directory);
  const client = net.connect(path.join(directory, 'zserv.api'));
  // What zebra tells its clients (interfaces, router id) is not of interest.
  client.resume();
  await new Promise((resolve, reject) => client.once('connect', resolve).once('error', reject));
  const hello = new ByteWriter();
  zapiHello(hello);
  client.write(hello.buffer.subarray(0, hello.length));
  const { words, ifindex } = table;
  const messages = (gateway: string | undefined): Uint8Array => {
    const out = new ByteWriter(words.length * 24);
    const hop = gateway === undefined ? undefined : { gateway: parseAddress(gateway)!, ifindex };
    for (let i = 0; i < words.length; i += 2) zapiRoute(out, words[i]!, words[i + 1]!, hop);
    return out.buffer.subarray(0, out.length);
  };
  const said: Record<OwnOp, Uint8Array> = {
    insert: messages(table.gateways[0]),
    replace: messages(table.gateways[1]),
    remove: messages(undefined),
  };
  return {
    process: zebra,
    run: (op) => {
      client.write(said[op]);
      return Promise.resolve(undefined);
    },
    stop: async () => {
      client.destroy();
      await zebra.stop();
    },
  };
}
