/** Options of `ps`, `worker` and `evaluate`. src/plan writes them into the arguments of the pod's container. */
import type { Command } from 'commander'
import { ARGS } from '../contract/runtime.ts'

export function withPodOptions(command: Command): Command {
  return command
    .option(`${ARGS.index} <n>`, 'index of the process in its role')
    .option(`${ARGS.attempt} <n>`, 'how often a process was started at this index before')
}
