// Tells systemd how the process is (sd_notify(3)): ready, reloading, stopping, a line for `systemctl status`, and that its main loop still
// turns (WatchdogSec=). Owns the datagram; without $NOTIFY_SOCKET everything here does nothing.
import process from 'node:process';
import koffi from 'koffi';
import { AF_UNIX, close, SOCK_CLOEXEC, SOCK_NONBLOCK } from '../preload/native.js';

const SOCK_DGRAM = 2;
/** Bytes of sockaddr_un.sun_path. */
const PATH_BYTES = 108;

const libc = koffi.load(null);
const socket = libc.func('int socket(int domain, int type, int protocol)');
const sendto = libc.func(
  'intptr_t sendto(int fd, void *bytes, size_t length, int flags, void *address, uint32_t size)',
);

export interface ServiceEnvironment extends NodeJS.ProcessEnv {
  /** Path of a unix datagram socket; one that begins with `@` is abstract. */
  NOTIFY_SOCKET?: string | undefined;
  /** Microseconds within which the service has to be heard of. */
  WATCHDOG_USEC?: string | undefined;
  /** Whom the watchdog is about; absent: whoever asks. */
  WATCHDOG_PID?: string | undefined;
}

export class ServiceManager {
  private readonly address: Uint8Array | undefined;
  private readonly watchdogMs: number;
  private nextPing = 0;
  private fd = -1;
  private text = '';
  private phase: 'starting' | 'running' | 'reloading' = 'starting';

  constructor(environment: ServiceEnvironment = process.env) {
    this.address = addressOf(environment.NOTIFY_SOCKET);
    const { WATCHDOG_USEC: usec, WATCHDOG_PID: pid } = environment;
    const ours = pid === undefined || Number(pid) === process.pid;
    this.watchdogMs = ours && Number(usec) > 0 ? Number(usec) / 1000 : Infinity;
    if (this.address === undefined) return;
    this.fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0) as number;
  }

  /** Somebody wants to be told. */
  get listens(): boolean {
    return this.fd >= 0;
  }

  /** Neighbours' sessions can be served. Said once. */
  ready(): void {
    if (this.phase !== 'starting') return;
    this.phase = 'running';
    this.send('READY=1');
  }

  /** Another configuration is being taken over, until `reloaded`. A start is not interrupted by that. */
  reloading(): void {
    if (this.phase !== 'running') return;
    this.phase = 'reloading';
    this.send(`RELOADING=1\nMONOTONIC_USEC=${monotonicMicroseconds()}`);
  }

  reloaded(): void {
    if (this.phase !== 'reloading') return;
    this.phase = 'running';
    this.send('READY=1');
  }

  stopping(): void {
    this.send('STOPPING=1');
  }

  /** One line that `systemctl status` shows. Sent when it has changed. */
  status(text: string): void {
    const line = text.replace(/\s+/g, ' ');
    if (line === this.text) return;
    this.text = line;
    this.send(`STATUS=${line}`);
  }

  /** Called at every turn of whatever must not stand still; tells of it four times as often as asked for. */
  alive(now: number): void {
    if (now < this.nextPing || this.watchdogMs === Infinity) return;
    this.nextPing = now + this.watchdogMs / 4;
    this.send('WATCHDOG=1');
  }

  close(): void {
    if (this.fd >= 0) close(this.fd);
    this.fd = -1;
  }

  /** What cannot be sent (the queue is full, nobody listens) is no reason to stop routing. */
  private send(message: string): void {
    if (this.fd < 0 || this.address === undefined) return;
    const bytes = Buffer.from(message);
    sendto(this.fd, bytes, bytes.length, 0, this.address, this.address.length);
  }
}

/** CLOCK_MONOTONIC, which is what systemd compares with. */
const monotonicMicroseconds = (): bigint => process.hrtime.bigint() / 1000n;

/** sockaddr_un; undefined for what is none. An abstract name ends where the address does, so there is no padding. */
function addressOf(path: string | undefined): Uint8Array | undefined {
  if (path === undefined || !/^[/@]./.test(path)) return undefined;
  const name = Buffer.from(path);
  if (name.length >= PATH_BYTES) return undefined;
  if (path.startsWith('@')) name[0] = 0;
  const address = new Uint8Array(2 + name.length + (path.startsWith('@') ? 0 : 1));
  new DataView(address.buffer).setUint16(0, AF_UNIX, true);
  address.set(name, 2);
  return address;
}
