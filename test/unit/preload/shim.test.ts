// The shim inside a program that everybody has: Node itself, which binds, listens and accepts through libc like a daemon.
// No root: the port exists only behind the shim.
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ShimHub, type ControlChannel, type VirtualListener } from '../../../preload/hub.js';
import { waitFor } from '../../support/wait.js';

const directory = path.resolve(import.meta.dirname, '../../../preload/shim');
const shim = path.join(directory, 'btr-shim.so');
const reason = existsSync(shim) ? undefined : 'preload/shim is not built (npm run build)';
if (reason !== undefined) console.warn(`the shim was not tested: ${reason}`);

const CONNECTION = { localAddress: '10.9.9.1', localPort: 179, peerAddress: '10.9.9.2', peerPort: 40123, scopeId: 0 };

describe.skipIf(reason !== undefined)('the shim', () => {
  let hub: ShimHub;
  let control: ControlChannel;
  let child: ChildProcess | undefined;
  let output = '';
  const listeners: VirtualListener[] = [];
  const pids: number[] = [];
  const warnings: string[] = [];

  beforeEach(() => {
    hub = new ShimHub();
    control = hub.createControl();
    output = '';
    for (const list of [listeners, pids, warnings]) list.length = 0;
    control.on('listening', (listener) => listeners.push(listener));
    control.on('hello', (pid) => pids.push(pid));
    control.on('warn', (text) => warnings.push(text));
  });
  afterEach(async () => {
    child?.kill('SIGKILL');
    await hub.close();
  });

  const run = (script: string, environment: Record<string, string> = {}): ChildProcess => {
    const env = { LD_PRELOAD: shim, BTR_CONTROL_FD: '3', ...environment };
    child = spawn(process.execPath, ['-e', script], { env, stdio: ['ignore', 'pipe', 'inherit', control.childFd] });
    control.handedOver();
    child.stdout!.on('data', (chunk: Buffer) => (output += chunk.toString()));
    return child;
  };
  const says = (text: string): Promise<void> => waitFor(() => output.includes(text), `the program to say ${text}`);

  const ECHO = `net.createServer((s) => {
    console.log([s.remoteAddress, s.remotePort, s.localAddress, s.localPort].join(' '));
    s.setNoDelay(true); s.pipe(s);
  })`;

  it('makes a listener on the BGP port virtual, with the addresses the hypervisor chooses', async () => {
    run(`${ECHO}.listen(179, '0.0.0.0')`);
    await waitFor(() => listeners.length === 1, 'a listener');
    expect(listeners[0]).toMatchObject({ family: 4, address: '0.0.0.0', port: 179 });
    const socket = control.connect(CONNECTION);
    await says('10.9.9.2 40123 10.9.9.1 179\n');
    socket.write('hello');
    const [bytes] = await once(socket, 'data');
    expect(bytes.toString()).toBe('hello');
    expect(pids).toEqual([child!.pid]);
    expect(warnings).toEqual([]);
    socket.destroy();
  });

  it('does so over IPv6, and finds exact addresses before wildcards', async () => {
    run(`${ECHO}.listen({ port: 179, host: '::', ipv6Only: true }); ${ECHO}.listen(179, '::1')`);
    await waitFor(() => listeners.length === 2, 'two listeners');
    expect(control.find('::1', 179)!.address).toBe('::1');
    expect(control.find('2001:db8::1', 179)!.address).toBe('::');
    expect(control.find('10.0.0.1', 179)).toBeUndefined();
    control.connect({ ...CONNECTION, localAddress: '2001:db8::1', peerAddress: '2001:db8::2' });
    await says('2001:db8::2 40123 2001:db8::1 179\n');
  });

  it('tells the scope of a link-local neighbour', async () => {
    run(`${ECHO}.listen({ port: 179, host: '::', ipv6Only: true })`);
    await waitFor(() => listeners.length === 1, 'a listener');
    control.connect({ ...CONNECTION, localAddress: 'fe80::1', peerAddress: 'fe80::2', scopeId: 1 });
    await says('fe80::2%lo');
  });

  it('uses another port when told', async () => {
    run(`${ECHO}.listen(1790, '127.0.0.1')`, { BTR_PORT: '1790' });
    await waitFor(() => listeners.length === 1, 'a listener');
    expect(listeners[0]).toMatchObject({ address: '127.0.0.1', port: 1790 });
  });

  it('refuses active connects to the BGP port at once, and only these', async () => {
    const refused: string[] = [];
    control.on('refused', ({ address }) => refused.push(address));
    run(`net.connect(179, '192.0.2.1').on('error', (e) => console.log(e.code));
      const server = net.createServer((s) => s.end('kernel')).listen(0, '127.0.0.1', () =>
        net.connect(server.address().port, '127.0.0.1').on('data', (d) => console.log('got ' + d)))`);
    await says('ECONNREFUSED');
    await says('got kernel');
    await waitFor(() => refused.length === 1, 'the notice');
    expect(refused).toEqual(['192.0.2.1']);
    expect(listeners).toEqual([]);
  });

  it('leaves unix sockets alone', async () => {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'btr-shim-'));
    const file = JSON.stringify(path.join(folder, 'socket'));
    run(`net.createServer((s) => s.end('unix')).listen(${file}, () =>
      net.connect(${file}).on('data', (d) => console.log('got ' + d)))`);
    await says('got unix');
    rmSync(folder, { recursive: true });
  });

  it('survives exec, and passing the listener to another process', async () => {
    const heir =
      "process.on('message', (_, server) => server.on('connection', (s) => console.log('heir', s.remoteAddress)))";
    run(`const server = net.createServer().listen(179, '10.9.9.1', () => {
      const stdio = ['ignore', 'inherit', 'inherit', 'ipc'];
      const heir = child_process.spawn(process.execPath, ['-e', ${JSON.stringify(heir)}], { stdio });
      heir.send('server', server, () => server.close());
    })`);
    await waitFor(() => pids.length === 2 && listeners.length > 0, 'two processes');
    expect(new Set(pids).size).toBe(2);
    control.connect(CONNECTION);
    await says('heir 10.9.9.2');
  });

  it('tells when a listener is closed', async () => {
    const closed: VirtualListener[] = [];
    control.on('unlisten', (listener) => closed.push(listener));
    run(`const server = net.createServer().listen(179, '10.9.9.1', () => setTimeout(() => server.close(), 100));
      setInterval(() => {}, 1000)`);
    await waitFor(() => closed.length === 1, 'the end of the listener');
    expect(closed[0].id).toBe(listeners[0].id);
    expect(() => control.connect(CONNECTION)).toThrow(expect.objectContaining({ code: 'ECONNREFUSED' }));
  });

  it('ends the process when the hypervisor is gone', async () => {
    run(`${ECHO}.listen(179, '10.9.9.1')`);
    await waitFor(() => listeners.length === 1, 'a listener');
    const exit = once(child!, 'exit');
    control.close();
    expect(await exit).toEqual([111, null]);
  });

  it('does nothing without a control socket', async () => {
    const out = execFileSync(process.execPath, ['-e', 'console.log(1 + 1)'], { env: { LD_PRELOAD: shim } });
    expect(out.toString()).toBe('2\n');
  });

  it('needs no symbol that an old glibc lacks', () => {
    for (const library of readdirSync(directory).filter((name) => name.endsWith('.so'))) {
      const text = execFileSync('strings', ['-a', path.join(directory, library)]).toString();
      for (const [, minor] of text.matchAll(/^GLIBC_2\.(\d+)/gm)) expect(Number(minor)).toBeLessThanOrEqual(17);
    }
  });
});
