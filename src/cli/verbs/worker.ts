import { type Command, Option } from 'commander'
import { ARGS, type PlaceArgs } from '../../contract/runtime.ts'
import { withPodOptions } from '../pod-options.ts'

export function register(command: Command): void {
  withPodOptions(command)
    .addOption(new Option(`${ARGS.process} <n>`, 'number of a process that a worker starts').hideHelp())
    .action(run)
}

async function run(place: PlaceArgs): Promise<void> {
  if (place.process === undefined) await (await import('../../worker/main.ts')).runWorker(place)
  else await (await import('../../worker/processes/main.ts')).runComputeProcess(place)
}
