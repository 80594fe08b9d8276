// The BGP session state machine of RFC 4271 section 8, as a value: events and the time go in, effects come out.
// Owns the states, the timers as numbers, up to two connections and their collision (section 6.8), the OPEN exchange and
// every NOTIFICATION of the session. Leaves sockets, framing, real timers, UPDATE judgement and logging to its owner.
//
// How an owner runs it:
//
//   const fsm = new SessionFsm(config);
//   run(fsm.handle({ kind: 'start' }, now));            // carry out the returned effects, in order
//
//   - `now` is milliseconds of a monotonic clock, never smaller than in the call before.
//   - Effect `connect`: open a TCP connection, then handle `connected` or `connect-failed` with the same id.
//   - A peer's connection: handle `incoming`; among the effects is exactly one `accept` (gives it its id) or `refuse`.
//   - Each framed message: on the hot path `fsm.noteMessage(connection, type, now)` first. True: the session is
//     established on this connection and the message (UPDATE, KEEPALIVE, ROUTE-REFRESH) is in order; the hold timer has
//     been restarted, nothing was allocated, UPDATE and ROUTE-REFRESH are the owner's to read. False: handle `message`.
//   - A broken header: handle `header-error`. An UPDATE that RFC 7606 wants a reset for: handle `reset`.
//   - Arm one timer for `fsm.deadline()` (Infinity = none) after each `handle`; when it fires, handle `timer`. noteMessage
//     only ever moves the deadline later, so it needs no re-arming. Before handling `timer` after a stall, read what the
//     kernel has already received, or a live peer is declared dead.
//   - Do not handle an event from inside the execution of an effect's list: finish the list first.
//   - After `close` for a connection nothing about it needs to be reported; late reports are ignored.
//
// Effects of one call never contradict: `established` comes once per session and is followed by exactly one `down`.
export * from './types.js';
