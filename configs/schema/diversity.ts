// The mapping diversity: of a replica in the configuration file: what makes replicas that share code behave a little differently.
// Everything is off by default; carrying it out is the hypervisor's (delays) and replicas/ (environment of the processes).
import type { DelayRange, DiversityConfig } from '../model.js';
import { plainText } from '../parsers.js';
import type { MapReader, Parse } from '../yaml-reader.js';
import { defined, optionalInteger } from './fields.js';

const LONGEST_DELAY_MS = 60_000;
const MAX_CPU = 1023;

/** `1ms..10ms`; a single duration stands for zero up to it. */
const delayRange: Parse<DelayRange> = (text) => {
  const match = /^(?:(\d+)(ms|s)\.\.)?(\d+)(ms|s)$/.exec(text);
  const ms = (value: string, unit: string): number => Number(value) * (unit === 's' ? 1000 : 1);
  const range =
    match === null ? undefined : { from: ms(match[1] ?? '0', match[2] ?? 'ms'), to: ms(match[3], match[4]) };
  const legal = range !== undefined && range.from <= range.to && range.to <= LONGEST_DELAY_MS;
  return legal ? range : { expected: 'a range of delays up to 60s (1ms..10ms), or the longest delay (10ms)' };
};

export function readDiversity(reader: MapReader): DiversityConfig {
  const perturb = { min: 1, max: 255 };
  const diversity: DiversityConfig = {
    addressSpaceRandomisation: reader.boolean('address-space-randomisation', true),
    ...defined({
      deliveryDelay: reader.text('delivery-delay', delayRange),
      connectDelay: reader.text('connect-delay', delayRange),
      restartDelay: reader.text('restart-delay', delayRange),
      disconnectDelay: reader.text('disconnect-delay', delayRange),
      interfaceEventDelay: reader.text('interface-event-delay', delayRange),
      mallocPerturb: optionalInteger(reader, 'malloc-perturb', perturb),
      mallocArenas: optionalInteger(reader, 'malloc-arenas', { min: 1, max: 1024 }),
      locale: reader.text('locale', plainText),
      timeZone: reader.text('time-zone', plainText),
      cpus: readCpus(reader),
      nice: optionalInteger(reader, 'nice', { min: -20, max: 19 }),
    }),
  };
  reader.finish();
  return diversity;
}

function readCpus(reader: MapReader): number[] | undefined {
  const cpus: number[] = [];
  for (const item of reader.list('cpus')) {
    const cpu = reader.parseItem(item, (text): number | { expected: string } => {
      const number = /^\d{1,4}$/.test(text) ? Number(text) : Infinity;
      return number <= MAX_CPU ? number : { expected: `the number of a processor (0 to ${MAX_CPU})` };
    });
    if (cpu !== undefined && !cpus.includes(cpu)) cpus.push(cpu);
  }
  return cpus.length === 0 ? undefined : cpus;
}
