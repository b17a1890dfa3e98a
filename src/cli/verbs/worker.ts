import type { Command } from 'commander'
import { withPodOptions } from '../pod-options.ts'

export function register(command: Command): void {
  withPodOptions(command).action(async (place) => (await import('../../worker/main.ts')).runWorker(place))
}
