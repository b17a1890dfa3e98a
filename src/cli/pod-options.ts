/** Options of `ps`, `worker` and `evaluate`. src/plan writes them into the arguments of the pod's container. */
import type { Command } from 'commander'
import { ARGS } from '../contract/runtime.ts'

export function withPodOptions(command: Command): Command {
  return command
    .option(`${ARGS.index} <n>`, 'index of this process within its role, from 0')
    .option(`${ARGS.attempt} <n>`, 'number of earlier processes with this index')
}
