// One common configuration in the three real daemons: what is refused, what each policy action does and which of two
// routes is best must be the same in all of them, and must be what docs/configuration.md says.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { generate } from '../../configs/generate/index.js';
import { parseConfig } from '../../configs/load.js';
import { REPLICA_KINDS } from '../../configs/model.js';
import type { ReplicaKind } from '../../configs/model.js';
import { planSessions } from '../../configs/session-plan.js';
import { CollectedTable } from '../../traces/collector.js';
import { MessageFramer } from '../../wire/bgp/framing.js';
import { MessageType } from '../../wire/bgp/message.js';
import { AGREEMENT_YAML, EXPECTED_CASES, playCases, toldCases } from '../support/agreement-cases.js';
import { cannotRun, enterNamespace, ReplicaLab } from '../support/replica-lab.js';
import { ReplicaSpeaker } from '../support/replica-speaker.js';

/** What a speaker is told, in canonical form. */
function collect(speaker: ReplicaSpeaker): CollectedTable {
  const collected = new CollectedTable();
  const framer = new MessageFramer();
  speaker.socket.on('data', (chunk: Uint8Array) => {
    framer.push(chunk);
    while (framer.next()) {
      if (framer.type !== MessageType.UPDATE) continue;
      collected.update(framer.buffer, framer.start, framer.end, { as4: true, ebgp: true, families: 3 });
    }
  });
  return collected;
}

describe('one configuration, three daemons', () => {
  let entered = false;
  let lab: ReplicaLab;
  beforeAll(() => {
    lab = new ReplicaLab();
  });
  afterAll(() => lab.close());

  async function run(kind: ReplicaKind): Promise<CollectedTable> {
    const { config } = parseConfig(`${AGREEMENT_YAML}fib: { backend: none }\n`, 'test.yaml');
    const replicaConfig = config!.replicas.find((replica) => replica.kind === kind)!;
    const plan = planSessions(config!, replicaConfig);
    const replica = lab.make(kind, {
      replica: replicaConfig,
      sessions: plan,
      generate: (paths) => generate(config!, replicaConfig, paths),
    });
    await replica.start();
    const speakers = plan.map((session) => new ReplicaSpeaker(session, replica.connect(session)));
    const collected = collect(speakers[2]);
    await Promise.all(speakers.map((speaker) => speaker.untilEstablished()));
    await playCases(speakers, collected);
    expect(speakers.filter((speaker) => speaker.closed || speaker.notification !== undefined)).toEqual([]);
    await replica.stop();
    return collected;
  }

  for (const kind of REPLICA_KINDS) {
    const reason = cannotRun(kind);
    if (reason !== undefined) console.warn(`the meaning of a configuration in ${kind} was not tested: ${reason}`);
    it.skipIf(reason !== undefined)(kind, async () => {
      if (!entered) enterNamespace();
      entered = true;
      const collected = await run(kind);
      expect(toldCases(collected)).toEqual(EXPECTED_CASES);
    });
  }
});
