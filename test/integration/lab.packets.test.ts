// Packets through a forwarding namespace: all of them arrive while the network is whole, and an outage is seen and measured.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { addHost, addRoute, answerForEverything, enableForwarding } from '../../cli/lab/forwarding.js';
import { Lab, labProblem } from '../../cli/lab/lab.js';
import { PacketFlow } from '../../cli/lab/packet-flow.js';
import { waitFor } from '../../cli/lab/wait.js';

const problem = labProblem();
if (problem) console.warn(`packet tests skipped: ${problem}`);

describe.skipIf(problem)('PacketFlow', () => {
  let lab: Lab;
  beforeAll(() => {
    lab = Lab.create('packets');
    lab.addNamespace('router');
    enableForwarding(lab, 'router');
    addHost(lab, {
      ...{ name: 'customer', addresses: ['10.9.0.2/24', 'fd00:9::2/64'] },
      ...{ router: 'router', routerAddresses: ['10.9.0.1/24', 'fd00:9::1/64'] },
    });
    addHost(lab, {
      ...{ name: 'internet', addresses: ['10.1.0.2/24', 'fd00:1::2/64'], routerInterface: 'wan' },
      ...{ router: 'router', routerAddresses: ['10.1.0.1/24', 'fd00:1::1/64'] },
      defaultRoute: false,
    });
    addRoute(lab, 'internet', '10.9.0.0/24', 'via', '10.1.0.1');
    addRoute(lab, 'internet', 'fd00:9::/64', 'via', 'fd00:1::1');
    answerForEverything(lab, 'internet');
    addRoute(lab, 'router', '20.0.0.0/8', 'via', '10.1.0.2');
    addRoute(lab, 'router', '2a00::/16', 'via', 'fd00:1::2');
  });
  afterAll(async () => await lab?.destroy());

  it('reaches any address behind the router in both families, and loses nothing', async () => {
    const destinations = ['20.0.0.1', '20.1.2.3', '2a00::1', '2a00:1::1'];
    const flow = await PacketFlow.start(lab, { from: 'customer', to: 'internet', destinations, intervalMs: 2 });
    await flow.untilFlowing();
    await waitFor(async () => (await flow.report()).received >= 200, { what: '200 packets', deadlineMs: 10_000 });
    const report = await flow.stop();
    expect(report).toMatchObject({ lost: 0, inFlight: 0, duplicates: 0, longestGapMs: 0 });
    expect(report.received).toBe(report.sent);
  });

  it('counts what is lost while a route is missing', async () => {
    const flow = await PacketFlow.start(lab, { from: 'customer', to: 'internet', destinations: ['20.0.0.1'] });
    await flow.untilFlowing();
    lab.run('router', ['ip', 'route', 'del', '20.0.0.0/8']);
    const during = (await flow.report()).sent;
    await waitFor(async () => (await flow.report()).sent >= during + 20, { what: '20 packets', deadlineMs: 10_000 });
    addRoute(lab, 'router', '20.0.0.0/8', 'via', '10.1.0.2');
    const back = (await flow.report()).sent;
    await waitFor(async () => (await flow.report()).sent >= back + 20, { what: '20 packets', deadlineMs: 10_000 });
    const report = await flow.stop();
    expect(report.lost).toBeGreaterThanOrEqual(20);
    expect(report.lost).toBeLessThan(report.sent);
    expect(report.outages).toHaveLength(1);
    expect(report.longestGapMs).toBeGreaterThan(report.lost);
  });

  it('says what is wrong when nothing comes back', async () => {
    const flow = await PacketFlow.start(lab, { from: 'customer', to: 'internet', destinations: ['21.0.0.1'] });
    await expect(flow.untilFlowing(5, 500)).rejects.toThrow(/5 packets in a row come back; \d+ packets sent, 0 came/);
    await flow.close();
  });
});
