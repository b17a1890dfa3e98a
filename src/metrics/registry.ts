/** Creates the registry of a process. Each process has one of its own, so that several can run in one Node process. */
import { collectDefaultMetrics, Registry } from 'prom-client'

/** Gauges of prom-client whose names end like those of counters, which `promtool check metrics` refuses. */
const MISNAMED = ['nodejs_active_handles_total', 'nodejs_active_requests_total', 'nodejs_active_resources_total']

export interface RegistryOptions {
  /** Adds `process_*` and `nodejs_*`. */
  readonly defaults?: boolean
}

export function createRegistry({ defaults = false }: RegistryOptions = {}): Registry {
  const registry = new Registry()
  if (!defaults) return registry
  collectDefaultMetrics({ register: registry })
  for (const name of MISNAMED) registry.removeSingleMetric(name)
  return registry
}
