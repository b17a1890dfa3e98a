/** Costs that no benchmark of one machine can measure. */
import type { NetworkCosts } from './network.ts'

/** A usual network of a data centre: 10 Gbit/s for a host, 0.1 ms. */
export const ASSUMED_NETWORK: NetworkCosts = { bytesPerSecond: 1.25e9, latencySeconds: 1e-4 }
