// Seeded randomness. Every model has a generator of its own, so that what happens to one does not change the luck of another.

export class Random {
  private state: number;

  constructor(seed: number, name = '') {
    this.state = seed >>> 0;
    for (let i = 0; i < name.length; i++) this.state = Math.imul(this.state ^ name.charCodeAt(i), 0x01000193) >>> 0;
    this.next();
    this.next();
  }

  /** 0 ≤ x < 1 (mulberry32). */
  next(): number {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let t = this.state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 0x1_0000_0000;
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  /** min ≤ x < max. */
  between(min: number, max: number): number {
    return min + this.next() * (max - min);
  }

  /** A whole number, 0 ≤ x < count. */
  below(count: number): number {
    return Math.floor(this.next() * count);
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)];
  }
}
