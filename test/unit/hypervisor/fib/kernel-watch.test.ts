// The kernel's events, their loss, and a kernel that cannot be read for a while.
import { describe, expect, test } from 'vitest';
import { KernelWatch } from '../../../../hypervisor/fib/kernel-watch.js';
import { BackendError } from '../../../../hypervisor/fib/kernel/backend.js';
import type { MessageVisitor } from '../../../../hypervisor/fib/kernel/backend.js';
import { EngineRig } from '../../fib/engine-rig.js';
import { linkMessage } from '../../fib/kernel-messages.js';
import { FakeBackend } from './fake-backend.js';

class MoodyBackend extends FakeBackend {
  /** What reading events does: lose them, or fail with this. */
  events: 'ok' | 'overrun' | Error = 'ok';
  /** Why the state cannot be read. */
  trouble: Error | undefined;
  loads = 0;

  override readEvents(): 'ok' {
    if (this.events instanceof Error) throw this.events;
    return this.events as 'ok';
  }

  override loadMirror(apply?: MessageVisitor): void {
    this.loads++;
    if (this.trouble) throw this.trouble;
    const link = linkMessage(9, { name: 'there' });
    apply?.(link, 0, link.length);
  }
}

describe('the watch over the kernel', () => {
  const setUp = () => {
    const backend = new MoodyBackend();
    const rig = new EngineRig({ sources: ['netlink'] });
    const said: string[] = [];
    const time = { at: 10_000 };
    const watch = new KernelWatch(
      rig.engine,
      backend,
      (level, text) => said.push(`${level}: ${text}`),
      () => time.at,
    );
    return { backend, rig, said, time, watch };
  };

  test('reads everything anew after a loss, once', () => {
    const { backend, rig, said, watch } = setUp();
    expect(watch.reloadIfDue()).toBe(false);
    backend.events = 'overrun';
    watch.readEvents();
    watch.readEvents();
    expect(watch.overruns).toBe(2);
    expect(said).toEqual([expect.stringMatching(/^warn: events of the kernel were lost/)]);
    expect([watch.reloadIfDue(), watch.reloadIfDue(), backend.loads]).toEqual([true, false, 1]);
    expect(rig.engine.mirror.linkName(9)).toBe('there');
  });

  test('a kernel that cannot be read ends nothing: it is tried again, at a pace, and said once', () => {
    const { backend, rig, said, time, watch } = setUp();
    watch.load();
    backend.events = 'overrun';
    watch.readEvents();
    backend.trouble = new BackendError('the kernel says nothing');
    for (let i = 0; i < 50; i++, time.at += 100) expect(watch.reloadIfDue()).toBe(false);
    expect(backend.loads).toBeGreaterThan(3);
    expect(backend.loads).toBeLessThan(8);
    expect(said.filter((line) => line.startsWith('error: the kernel says nothing'))).toHaveLength(1);
    expect(rig.engine.mirror.linkName(9)).toBe('there');
    backend.trouble = undefined;
    time.at += 1000;
    expect(watch.reloadIfDue()).toBe(true);
    expect(rig.engine.mirror.linkName(9)).toBe('there');
  });

  test('events that cannot be read are lost events', () => {
    const { backend, said, watch } = setUp();
    backend.events = new BackendError("the kernel's events cannot be read: EIO");
    watch.readEvents();
    watch.readEvents();
    expect(watch.overruns).toBe(2);
    expect(said.filter((line) => line.startsWith('error: '))).toHaveLength(1);
    expect(watch.reloadIfDue()).toBe(true);
  });
});
