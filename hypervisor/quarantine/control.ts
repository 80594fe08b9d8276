// The control socket's methods about the quarantine. Owns checking what is asked; what they do is the desk's.
import type { Method } from '../control/server.js';
import type { QuarantineDesk } from './quarantine-desk.js';

function desk(quarantine: QuarantineDesk | undefined): QuarantineDesk {
  if (quarantine === undefined) throw new Error('the quarantine is switched off (quarantine.enabled: false)');
  return quarantine;
}

function numberOf(value: unknown): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 1) throw new Error('"id" is a number from 1');
  return value;
}

function nameOf({ replica }: Record<string, unknown>): { replica?: string } {
  if (replica === undefined) return {};
  // Not understood it would mean all of them.
  if (typeof replica !== 'string') throw new Error('"replica" is the name of a replica');
  return { replica };
}

/** `quarantine` {replica?, prefix?, limit?}, `quarantine-show` {id}, `quarantine-release` {id} or {replica?} for all of it. */
export function quarantineMethods(quarantine: QuarantineDesk | undefined): Record<string, Method> {
  return {
    quarantine: (params) =>
      desk(quarantine).list({
        ...nameOf(params),
        ...(typeof params.prefix === 'string' && { prefix: params.prefix }),
        ...(typeof params.limit === 'number' && { limit: params.limit }),
      }),
    'quarantine-show': ({ id }) => desk(quarantine).show(numberOf(id)),
    'quarantine-release': (params) => ({
      released: desk(quarantine).release(
        params.id === undefined ? undefined : numberOf(params.id),
        nameOf(params).replica,
      ),
    }),
  };
}
