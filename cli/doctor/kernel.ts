// What the kernel has to have: IPv6, TCP-MD5, GTSM, rtnetlink, namespaces' forwarding. Each is tried in the way in which the router uses it.
import { existsSync, readFileSync } from 'node:fs';
import os from 'node:os';
import { NetlinkSocket } from '../../hypervisor/fib/kernel/netlink-socket.js';
import { setMd5Key, setTtlSecurity, tcpSocket } from '../../hypervisor/neighbors/tcp-native.js';
import { close } from '../../preload/native.js';
import { note, ok, problem, reason, warning, type Finding } from './finding.js';
import type { Wants } from './wants.js';

const LOOPBACK = '127.0.0.1';

export function kernel(wants: Wants): Finding[] {
  return [
    ok('kernel', 'version', `${os.type()} ${os.release()}, ${os.machine()}`),
    ipv6(wants),
    socketFeature('tcp-md5', wants.md5, 'auth-password', (fd) => setMd5Key(fd, LOOPBACK, 'doctor')),
    socketFeature('gtsm', wants.gtsm, 'ttl-security', (fd) => setTtlSecurity(fd, LOOPBACK, 1)),
    netlink(wants),
    ...forwarding(wants),
  ];
}

function ipv6({ addresses }: Wants): Finding {
  if (existsSync('/proc/net/if_inet6') && sysctl('net/ipv6/conf/all/disable_ipv6') !== '1') {
    return ok('kernel', 'ipv6', 'there');
  }
  const wanted = addresses.some((address) => address.includes(':'));
  const advice = 'boot without ipv6.disable=1, and: sysctl net.ipv6.conf.all.disable_ipv6=0';
  if (!wanted) return note('kernel', 'ipv6', 'switched off: no IPv6 routes can be installed', advice);
  return problem('kernel', 'ipv6', 'switched off, and neighbours have IPv6 addresses', advice);
}

/** Sets an option on a socket of its own. `key` is what uses it in the configuration. */
function socketFeature(name: string, wanted: boolean, key: string, use: (fd: number) => void): Finding {
  let fd = -1;
  try {
    fd = tcpSocket(LOOPBACK);
    use(fd);
    return ok('kernel', name, 'there');
  } catch (error) {
    const text = `${reason(error)}: neighbours with ${key} cannot be served`;
    const advice = 'use a kernel that has it (a distribution’s has)';
    return wanted ? problem('kernel', name, text, advice) : note('kernel', name, text, advice);
  } finally {
    if (fd >= 0) close(fd);
  }
}

function netlink({ kernel }: Wants): Finding {
  try {
    new NetlinkSocket().close();
    return ok('kernel', 'rtnetlink', 'there');
  } catch (error) {
    const advice = 'allow AF_NETLINK (RestrictAddressFamilies= of a unit, the seccomp profile of a container)';
    const text = reason(error);
    return kernel ? problem('kernel', 'rtnetlink', text, advice) : note('kernel', 'rtnetlink', text, advice);
  }
}

function forwarding({ kernel, config }: Wants): Finding[] {
  if (!kernel) return [];
  const off = ['net/ipv4/ip_forward', 'net/ipv6/conf/all/forwarding'].filter((name) => sysctl(name) === '0');
  if (off.length === 0) return [ok('kernel', 'forwarding', 'on')];
  const names = off.map((name) => name.replaceAll('/', '.'));
  const text = `${names.join(' and ')} ${off.length === 1 ? 'is' : 'are'} 0: routes are installed, packets are not forwarded`;
  const advice = `sysctl ${names.map((name) => `${name}=1`).join(' ')}, and in /etc/sysctl.d/ for the next start`;
  return [
    config === undefined ? note('kernel', 'forwarding', text, advice) : warning('kernel', 'forwarding', text, advice),
  ];
}

function sysctl(name: string): string | undefined {
  try {
    return readFileSync(`/proc/sys/${name}`, 'utf8').trim();
  } catch {
    return undefined;
  }
}
