// The thread that searches the vote log for a prefix (own-log.ts).
import { parentPort, workerData } from 'node:worker_threads';
import { VoteLogReader } from '../../votelog/reader.js';
import { aboutPrefix } from './log-search.js';
import type { LogQuestion } from './own-log.js';

const { file, prefix, limit, within } = workerData as LogQuestion;
const reader = await VoteLogReader.open(file);
parentPort?.postMessage(await aboutPrefix(reader, prefix, { limit, until: Date.now() + within }));
await reader.close();
