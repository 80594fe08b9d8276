// The HTTP server with everything it serves. Owns the list of what there is.
import { LookingGlass } from '../looking-glass/endpoints.js';
import { apiRoutes } from './api.js';
import { HttpCounters } from './counters.js';
import { dashboardRoutes } from './dashboard/index.js';
import { metricsRoutes } from './metrics.js';
import type { HttpParts, Route } from './routes.js';
import { HttpServer } from './server.js';

/** Makes a server out of the configuration as it is then; undefined when it is switched off. What is served, with its history, is made once. */
export function httpOpener(parts: HttpParts): () => HttpServer | undefined {
  const counters = new HttpCounters();
  let routes: Route[] | undefined;
  return () => {
    const { http } = parts.context.config;
    if (!http.enabled) return undefined;
    routes ??= routesOf(parts, counters);
    return new HttpServer(http, routes, counters, parts.log);
  };
}

/** Everything but logging in, which is the server's own. */
function routesOf(parts: HttpParts, counters: HttpCounters): Route[] {
  const lookingGlass = new LookingGlass(parts);
  return [...metricsRoutes(parts, counters), ...apiRoutes(parts), ...lookingGlass.routes(), ...dashboardRoutes(parts)];
}
