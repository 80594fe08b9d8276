// The HTTP server with everything it serves. Owns the list of what there is.
import { LookingGlass } from '../looking-glass/endpoints.js';
import { apiRoutes } from './api.js';
import { dashboardRoutes } from './dashboard/index.js';
import { metricsRoutes } from './metrics.js';
import type { HttpParts } from './routes.js';
import { HttpServer } from './server.js';

/** Undefined when it is switched off. */
export function openHttp(parts: HttpParts): HttpServer | undefined {
  const { http } = parts.context.config;
  if (!http.enabled) return undefined;
  return new HttpServer(
    http,
    [...metricsRoutes(parts), ...apiRoutes(parts), ...new LookingGlass(parts).routes(), ...dashboardRoutes(parts)],
    parts.log,
  );
}
