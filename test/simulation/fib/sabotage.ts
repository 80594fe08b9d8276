// The defects that the FIB simulation can put into the router on purpose, to prove that the checkers see them.
export type FibSabotage =
  | 'none'
  | 'first-vote' // Any single vote becomes the verdict.
  | 'wrong-write' // Now and then the kernel gets other next hops than the verdict's.
  | 'lost-verdict' // Now and then a verdict does not reach the installer.
  | 'replace-always' // Routes are written without a look at what is there.
  | 'delete-first' // A route is removed before it is written anew.
  | 'forgetful' // What the kernel holds at the start is not looked at.
  | 'early-sweep' // Stale routes go at the start.
  | 'no-sweep' // Stale routes stay.
  | 'swallowed-errors' // The kernel's refusals are taken for success.
  | 'spreading-errors' // A refusal stops the rest of its batch.
  | 'impatient' // Refused writes are repeated without a pause.
  | 'no-audit' // What others did unseen is never found.
  | 'early-report' // A route is reported as installed when it is wanted.
  | 'lost-report'; // Now and then an installed route is not reported.
