// The HTTP server with everything it serves. Owns the list of what there is.
import { LookingGlass } from '../looking-glass/endpoints.js';
import { apiRoutes } from './api.js';
import { HttpCounters } from './counters.js';
import { dashboardRoutes } from './dashboard/index.js';
import { metricsRoutes } from './metrics.js';
import type { HttpParts, Route } from './routes.js';
import { HttpServer } from './server.js';

/** Undefined when it is switched off. */
export function openHttp(parts: HttpParts): HttpServer | undefined {
  const { http } = parts.context.config;
  if (!http.enabled) return undefined;
  const counters = new HttpCounters();
  return new HttpServer(http, routesOf(parts, counters), counters, parts.log);
}

/** Everything but logging in, which is the server's own. */
function routesOf(parts: HttpParts, counters: HttpCounters): Route[] {
  const lookingGlass = new LookingGlass(parts);
  return [...metricsRoutes(parts, counters), ...apiRoutes(parts), ...lookingGlass.routes(), ...dashboardRoutes(parts)];
}
