// The generated configurations in the real daemons: every planned session of one common configuration comes up, the probe
// and the tap too, and a route from one neighbour reaches the other and the families stay apart as planned.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { generate } from '../../configs/generate/index.js';
import { parseConfig } from '../../configs/load.js';
import { REPLICA_KINDS } from '../../configs/model.js';
import { planSessions } from '../../configs/session-plan.js';
import { cannotRun, enterNamespace, ReplicaLab } from '../support/replica-lab.js';
import { ReplicaSpeaker } from '../support/replica-speaker.js';
import { waitFor } from '../support/wait.js';

const YAML = `
router: { as: 65010, router-id: 10.255.0.1 }
neighbors:
  - { neighbor-address: 10.0.1.2, peer-as: 65001, local-address: 10.0.1.1, local-address-ipv6: "fd00:1::1", afi-safis: [ipv4-unicast, ipv6-unicast] }
  - { neighbor-address: 10.0.2.2, peer-as: 65002, local-address: 10.0.2.1, local-address-ipv6: "fd00:2::1", afi-safis: [ipv4-unicast, ipv6-unicast] }
replicas:
  - { name: frr, kind: frr }
  - { name: bird, kind: bird }
  - { name: openbgpd, kind: openbgpd }
fib: { backend: none }
`;

describe('generated configurations', () => {
  let entered = false;
  let lab: ReplicaLab;
  beforeAll(() => {
    lab = new ReplicaLab();
  });
  afterAll(() => lab.close());

  for (const kind of REPLICA_KINDS) {
    const reason = cannotRun(kind);
    if (reason !== undefined) console.warn(`generated ${kind} configuration was not tested: ${reason}`);
    it.skipIf(reason !== undefined)(`bring up every planned session of ${kind}`, async () => {
      if (!entered) enterNamespace();
      entered = true;
      const { config, diagnostics } = parseConfig(YAML, 'test.yaml');
      expect(diagnostics).toBeUndefined();
      const replicaConfig = config!.replicas.find((replica) => replica.kind === kind)!;
      const plan = planSessions(config!, replicaConfig);
      const replica = lab.make(kind, {
        replica: replicaConfig,
        sessions: plan,
        generate: (paths) => generate(config!, replicaConfig, paths),
      });
      await replica.start();
      const speakers = plan.map((session) => new ReplicaSpeaker(session, replica.connect(session)));
      await Promise.all(speakers.map((speaker) => speaker.untilEstablished()));
      const find = (neighbor: number, families: number): ReplicaSpeaker =>
        speakers.find(({ session }) => session.neighbor === neighbor && (session.families & families) !== 0)!;
      find(0, 1).announce('1.2.3.0/24');
      find(0, 2).announce('2a00:77::/48');
      await find(1, 1).untilRoute('1.2.3.0/24');
      await find(1, 2).untilRoute('2a00:77::/48');
      await waitFor(() => speakers.every(({ closed }) => !closed), 'no session to be lost');
      await replica.stop();
    });
  }
});
