// The control socket's method about BMP: `bmp`, what each connection to a collector has done.
import type { Method } from '../control/server.js';
import type { BmpExporter } from './bmp-exporter.js';

export function bmpMethods(bmp: () => BmpExporter | undefined): Record<string, Method> {
  return { bmp: () => bmp()?.stats() ?? [] };
}
