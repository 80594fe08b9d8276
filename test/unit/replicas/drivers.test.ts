// What can be said about drivers without a daemon: versions out of what the daemons print, launch commands, errors that
// tell what to do.
import { describe, expect, it } from 'vitest';
import { REPLICA_KINDS } from '../../../configs/model.js';
import { unexpectedCapabilities } from '../../../hypervisor/replicas/capabilities.js';
import { chooseAccount } from '../../../hypervisor/replicas/account.js';
import { detectVersion, findExecutable, type LaunchContext } from '../../../hypervisor/replicas/driver.js';
import { DRIVERS } from '../../../hypervisor/replicas/drivers.js';
import { replicaPaths } from '../../../hypervisor/replicas/directory.js';
import { makeCapabilities } from '../../../wire/bgp/capabilities.js';

const PRINTED = {
  frr: ['bgpd version 8.4.4\nCopyright 1996-2005 Kunihiro Ishiguro, et al.\n', '8.4.4'],
  bird: ['BIRD version 2.0.12\n', '2.0.12'],
  openbgpd: ['OpenBGPD 7.7\n', '7.7'],
} as const;

describe('drivers', () => {
  it('know their own version line and no other', () => {
    for (const kind of REPLICA_KINDS) {
      for (const other of REPLICA_KINDS) {
        const [text, version] = PRINTED[other];
        expect(DRIVERS[kind].parseVersion(text)).toBe(kind === other ? version : undefined);
      }
      expect(DRIVERS[kind].parseVersion('')).toBeUndefined();
    }
  });

  it('keep every path inside the replica directory', () => {
    const paths = replicaPaths('/run/btr', 'one');
    const context: Omit<LaunchContext, 'netlink'> = {
      executable: '/x/daemon',
      paths,
      configFile: `${paths.dir}/x.conf`,
      sessionCount: 3,
      port: 179,
    };
    for (const kind of REPLICA_KINDS) {
      for (const netlink of [false, true]) {
        const commands = DRIVERS[kind].commands({ ...context, netlink });
        expect(commands.at(-1)!.args).toContain(context.configFile);
        const files = commands.flatMap(({ args, socket }) => [...args, ...(socket === undefined ? [] : [socket])]);
        for (const file of files.filter((arg) => arg.startsWith('/'))) expect(file.startsWith(paths.dir)).toBe(true);
      }
    }
  });

  it('start zebra before bgpd, from the same place, only where there is a kernel to talk to', () => {
    const paths = replicaPaths('/run/btr', 'one');
    const context = { executable: '/opt/frr/bgpd', paths, configFile: '/x', sessionCount: 1, port: 179 };
    const files = (netlink: boolean): string[] => DRIVERS.frr.commands({ ...context, netlink }).map(({ file }) => file);
    expect(files(false)).toEqual(['/opt/frr/bgpd']);
    expect(files(true)).toEqual(['/opt/frr/zebra', '/opt/frr/bgpd']);
    const [zebra, bgpd] = DRIVERS.frr.commands({ ...context, netlink: true });
    expect(bgpd.args).toContain(zebra.socket);
    expect(bgpd.args).not.toContain('--no_kernel');
  });

  it('name the Debian package of a daemon that is missing', () => {
    for (const kind of REPLICA_KINDS) {
      const driver = { ...DRIVERS[kind], executables: ['/nowhere/daemon'] };
      expect(() => findExecutable(driver, 'r1')).toThrow(
        new RegExp(`replica r1: /nowhere/daemon .*${driver.debianPackage}`),
      );
      expect(() => findExecutable(driver, 'r1', '/nowhere/else')).toThrow('replica r1: /nowhere/else is not there');
    }
  });

  it('refuse another program in the daemon place', async () => {
    await expect(detectVersion(DRIVERS.bird, 'r1', '/bin/echo')).rejects.toThrow(
      'replica r1: /bin/echo is not a bird daemon (it answered: ',
    );
  });

  it('refuse a user that does not exist', () => {
    expect(() => chooseAccount('r1', 'no-such-user-here', [])).toThrow('replica r1:');
  });

  it('refuse a directory whose sockets would have too long a path', () => {
    expect(() => replicaPaths(`/run/${'x'.repeat(100)}`, 'one')).toThrow('set a shorter run-directory');
  });
});

describe('first contact', () => {
  const known = DRIVERS.frr.capabilities('8.4.4');

  it('is silent when the OPEN is as expected', () => {
    const capabilities = makeCapabilities({ families: 3, as: 65010, routeRefresh: true, extendedMessage: true });
    expect(unexpectedCapabilities(known, 3, { capabilities })).toEqual([]);
  });

  it('names every difference', () => {
    const capabilities = makeCapabilities({ families: 1 });
    const differences = unexpectedCapabilities(known, 3, { capabilities });
    expect(differences).toHaveLength(4);
    expect(differences.join()).toMatch(/route refresh.*extended message.*4-byte.*families/);
  });
});
