// Ports and addresses: are the own addresses there, is nobody else on the BGP and HTTP ports, do BMP collectors take connections? What the
// router itself holds while it runs is no obstacle.
import net from 'node:net';
import os from 'node:os';
import { close } from '../../preload/native.js';
import { boundTcpSocket } from '../../hypervisor/neighbors/tcp-native.js';
import { note, ok, problem, reason, warning, type Finding } from './finding.js';
import { listenersOn, ownerOf, type Owner } from './listeners.js';
import type { Wants } from './wants.js';

/** A collector that has not answered by then is reported as not answering. */
const COLLECTOR_MS = 1000;

/** `own`: pid of the router when it runs. */
export async function ports(wants: Wants, own: number | undefined): Promise<Finding[]> {
  const { addresses, port, http, collectors } = wants;
  const here = localAddresses();
  const missing = addresses.filter((address) => !here.has(address));
  const bgp = addresses.length === 0 ? ['0.0.0.0', '::'] : addresses.filter((address) => here.has(address));
  return [
    ...missing.map((address) => addressFinding(address)),
    ...summed(
      'bgp',
      bgp.map((address) => portFinding('bgp', address, port, own)),
    ),
    ...(http === undefined ? [] : [portFinding('http', http.address, http.port, own)]),
    ...(await Promise.all(collectors.map(collectorFinding))),
  ];
}

function localAddresses(): Set<string> {
  return new Set(Object.values(os.networkInterfaces()).flatMap((list) => (list ?? []).map(({ address }) => address)));
}

function addressFinding(address: string): Finding {
  const advice = `give it to an interface: ip address add ${address}/… dev …`;
  return problem('ports', `address ${address}`, 'is a local-address, and no interface of this machine has it', advice);
}

/** One line where all is well. */
function summed(name: string, findings: Finding[]): Finding[] {
  const bad = findings.filter(({ level }) => level !== 'ok');
  return bad.length > 0 || findings.length === 0 ? bad : [{ ...findings[0], name }];
}

/** Binds to it and lets go again: nothing is accepted. */
function portFinding(what: string, address: string, port: number, own: number | undefined): Finding {
  const name = `${what} port ${port} on ${address}`;
  try {
    close(boundTcpSocket(address, port));
    return ok('ports', name, `port ${port} is free`);
  } catch (error) {
    return taken(name, { address, port, own }, error);
  }
}

function taken(
  name: string,
  { address, port, own }: { address: string; port: number; own: number | undefined },
  error: unknown,
): Finding {
  const owners = listenersOn(address, port).map(ownerOf);
  if (owners.length === 0) {
    const text = `cannot be had: ${reason(error)}`;
    return /EACCES|permission/i.test(text)
      ? problem('ports', name, text, 'see privileges, or choose a port from 1024 on')
      : problem('ports', name, text, 'is the address right, and its interface up?');
  }
  if (own !== undefined && owners.some((owner) => owner?.pid === own)) {
    return ok('ports', name, `port ${port} is the running router's (pid ${own})`);
  }
  const who = owners.map((owner) =>
    owner === undefined ? 'another user’s process' : `${owner.name} (pid ${owner.pid})`,
  );
  return problem('ports', name, `taken by ${[...new Set(who)].join(', ')}`, howToStop(owners));
}

const SERVICES: Readonly<Record<string, string>> = {
  bgpd: 'frr openbgpd',
  bird: 'bird',
  gobgpd: 'gobgpd',
  node: 'btr',
};

function howToStop(owners: readonly (Owner | undefined)[]): string {
  const service = SERVICES[owners[0]?.name ?? ''];
  return service === undefined ? 'end it, or choose another port' : `systemctl disable --now ${service}`;
}

function collectorFinding({ address, port }: { address: string; port: number }): Promise<Finding> {
  const name = `bmp collector ${address} port ${port}`;
  const advice = 'is it running, and does a firewall let it be reached? The router goes on trying';
  return new Promise((resolve) => {
    const socket = net.connect({ host: address, port, timeout: COLLECTOR_MS });
    const done = (finding: Finding): void => {
      socket.destroy();
      resolve(finding);
    };
    socket.once('connect', () => done(ok('ports', name, 'takes connections')));
    socket.once('timeout', () => done(warning('ports', name, 'does not answer', advice)));
    socket.once('error', (error) => done(warning('ports', name, reason(error), advice)));
  });
}

/** Not looked at further: what a configuration would say is not known. */
export const withoutConfig = note(
  'ports',
  'addresses',
  'not looked at without a configuration file',
  'btr doctor FILE looks at addresses, HTTP, BMP and directories, too',
);
