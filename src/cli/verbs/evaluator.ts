import type { Command } from 'commander'
import { withPodOptions } from '../pod-options.ts'

export function register(command: Command): void {
  withPodOptions(command).action(async () => (await import('../../evaluator/main.ts')).runEvaluator())
}
