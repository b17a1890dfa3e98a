/** `downpour run`, which is also `npm start`: its arguments, and the help that is read before anything is installed. */
import { Command } from 'commander'
import type { RunOptions } from '../run/run.ts'
import { wholeNumber } from './operator.ts'
import { presetNames } from './presets.ts'

/** @param run resolves to the exit code */
export function registerRun(program: Command, run: (files: string[], options: RunOptions) => Promise<void>): Command {
  return program
    .command('run')
    .description('run jobs on this machine: the same operator and runtime, pods as processes')
    .argument(
      '[files...]',
      'YAML with PretrainJobs, FinetuneJobs and the PersistentVolumeClaims they name (default: the demonstration)',
    )
    .option('--state-dir <dir>', 'where jobs, checkpoints and logs live', '.downpour')
    .option('--fresh', 'forget jobs and checkpoints of former runs first (generated data stays)')
    .option('--keep-running', 'do not end when the jobs have ended: go on serving kubectl')
    .option('--seed <n>', 'seed of the demonstration', wholeNumber)
    .action(run)
}

/** Words of the same command when npm started it. */
export function speakAsNpmStart(run: Command): Command {
  return run
    .usage('[options] [files...]')
    .configureHelp({ commandUsage: (command) => `npm start -- ${command.usage()}`, helpWidth: 100 })
    .showHelpAfterError('(npm start -- --help says more)')
}

export function startHelp(): string {
  const run = speakAsNpmStart(registerRun(new Command('downpour'), async () => {}))
  const { PretrainJob, FinetuneJob } = presetNames()
  return `${run.helpInformation()}
Presets (spec.preset; \`bin/downpour presets\` shows what they set):
  PretrainJob  ${PretrainJob.join(', ')}
  FinetuneJob  ${FinetuneJob.join(', ')}

Neither kubectl nor a cluster is needed. Internet is: once, for the npm packages.
`
}
