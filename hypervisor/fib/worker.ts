// The entry of the forwarding table's thread: takes what it was started with and runs until it is told to stop.
import { parentPort, workerData } from 'node:worker_threads';
import { followClock } from '../clock.js';
import type { FibWorkerData } from './protocol.js';
import { FibThread } from './thread.js';

const data = workerData as FibWorkerData;
followClock(data.clockOffset);
if (parentPort !== null) new FibThread(data, parentPort).run();
