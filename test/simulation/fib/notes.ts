// What the simulation knows about each prefix that the router cannot know, so that checkers can tell its mistakes from bad luck.

export class Notes {
  /** All next hops that ever were the truth. */
  readonly everTrue = new Map<number, Set<number>>();
  /** When the kernel refused a write, or somebody else did something there: last time. */
  readonly troubled = new Map<number, number>();
  /** Somebody else did something there, and neither an event nor a dump has told the router. */
  readonly untold = new Set<number>();
  /** Somebody else did something there since the hypervisor started. */
  readonly disturbed = new Set<number>();
  /** The installer was given a verdict on it since the hypervisor started. */
  readonly wanted = new Set<number>();
  /** When the installer was given a reason to write there again. */
  readonly nudged = new Map<number, number>();
  /** Next hops that were last reported as installed. */
  readonly reported = new Map<number, number>();
  /** Number of somebody else's last action on a prefix. */
  private readonly actions = new Map<number, number>();
  private action = 0;

  /** Somebody else acts on a prefix. Returns the number of the action. */
  act(prefix: number, now: number): number {
    this.actions.set(prefix, ++this.action);
    this.troubled.set(prefix, now);
    this.untold.add(prefix);
    this.disturbed.add(prefix);
    return this.action;
  }

  get lastAction(): number {
    return this.action;
  }

  /** The router has been told of everything on this prefix up to an action. (It may hear of an older one later, and must not believe it.) */
  told(prefix: number, action: number): void {
    if ((this.actions.get(prefix) ?? 0) <= action) this.untold.delete(prefix);
  }

  /** A new hypervisor has read what the kernel holds. */
  restart(): void {
    this.untold.clear();
    this.disturbed.clear();
    this.wanted.clear();
    this.nudged.clear();
    this.reported.clear();
  }
}
