// The process of a window (window.ts): takes the connections of a listener that it is handed, and passes their bytes on to a port of the
// namespace that it runs in.
import net, { type Server } from 'node:net';
import process from 'node:process';
import { pipeline } from 'node:stream';

/** Where connections go. Comes with the listener. */
export interface WindowOrder {
  address: string;
  port: number;
}

/** At a time; a browser has six. */
const MAX_CONNECTIONS = 64;

process.once('message', ({ address, port }: WindowOrder, server: Server) => {
  server.maxConnections = MAX_CONNECTIONS;
  server.on('connection', (client) => {
    const inside = net.connect({ host: address, port });
    // Whichever side ends or fails ends the other one.
    pipeline(client, inside, client, () => {
      client.destroy();
      inside.destroy();
    });
  });
  process.send?.('ready');
});
// The one who opened the window is gone.
process.on('disconnect', () => process.exit(0));
