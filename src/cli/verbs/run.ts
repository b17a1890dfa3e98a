/** `downpour run`, also called by `npm start`: its arguments, and the help that works before packages are installed. */
import { Command } from 'commander'
import { positiveWholeNumber, wholeNumber } from '../flag-values.ts'
import { exitWith } from '../io.ts'
import type { RunOptions } from '../run/run.ts'
import { presetNames } from './presets.ts'

export function register(command: Command): void {
  command
    .argument(
      '[files...]',
      'YAML files with PretrainJobs, FinetuneJobs and the PersistentVolumeClaims they use (default: the demonstration)',
    )
    .option('--state-dir <dir>', 'folder for jobs, checkpoints and logs', '.downpour')
    .option('--fresh', 'first delete the jobs and checkpoints of previous runs (generated data is kept)')
    .option('--keep-running', 'keep the API server and the operator running after the jobs have ended')
    .option(
      '--quick',
      'the demonstration with shorter pre-training and two of its tasks: classification and segmentation',
    )
    .option('--seed <n>', 'seed of the demonstration', wholeNumber)
    .option(
      '--parallel-jobs <n>',
      'how many jobs may train at the same time, in the order of the files (default: one for each core, at least 2)',
      positiveWholeNumber,
    )
    .action(async (files: string[], options: RunOptions) =>
      exitWith((await import('../run/run.ts')).run(files, options)),
    )
  // A user of `npm start` has to read that command in the help, not `downpour run`.
  if (process.env.npm_lifecycle_event === 'start') useNpmStartUsage(command)
}

function useNpmStartUsage(run: Command): Command {
  return run
    .usage('[options] [files...]')
    .configureHelp({ commandUsage: (command) => `npm start -- ${command.usage()}`, helpWidth: 100 })
    .showHelpAfterError('(see npm start -- --help)')
}

/** @param description of `run`, from the table of verbs */
export function startHelp(description: string): string {
  const run = new Command('run').description(description)
  register(run)
  useNpmStartUsage(run)
  const { PretrainJob, FinetuneJob } = presetNames()
  return `${run.helpInformation()}
Presets (spec.preset; \`bin/downpour presets\` lists their values):
  PretrainJob  ${PretrainJob.join(', ')}
  FinetuneJob  ${FinetuneJob.join(', ')}

No cluster and no kubectl is needed. The first start needs an internet connection, to install npm packages.
`
}
