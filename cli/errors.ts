// Errors whose message is meant for the user as it stands, with the exit status that goes with it.
// Anything else that reaches main() is a bug and is printed with its stack.

/** Exit statuses of `btr` (after sysexits.h): 1 the check or run found a problem, 2 wrong command line, 66 no such input, 70 bug. */
export class UserError extends Error {
  readonly exitCode: number;
  constructor(message: string, exitCode = 1, options?: ErrorOptions) {
    super(message, options);
    this.name = 'UserError';
    this.exitCode = exitCode;
  }
}
