/** `downpour run`, also called by `npm start`: its arguments, and the help that works before packages are installed. */
import { Command } from 'commander'
import { wholeNumber } from '../flag-values.ts'
import { exitWith } from '../io.ts'
import type { RunOptions } from '../run/run.ts'
import { presetNames } from './presets.ts'

export function register(command: Command): void {
  command
    .argument(
      '[files...]',
      'YAML with PretrainJobs, FinetuneJobs and the PersistentVolumeClaims they name (default: the demonstration)',
    )
    .option('--state-dir <dir>', 'where jobs, checkpoints and logs live', '.downpour')
    .option('--fresh', 'forget jobs and checkpoints of previous runs first (generated data stays)')
    .option('--keep-running', 'do not end when the jobs have ended: go on serving kubectl')
    .option('--seed <n>', 'seed of the demonstration', wholeNumber)
    .action(async (files: string[], options: RunOptions) =>
      exitWith((await import('../run/run.ts')).run(files, options)),
    )
  // A user of `npm start` has to read that command in the help, not `downpour run`.
  if (process.env.npm_lifecycle_event === 'start') speakAsNpmStart(command)
}

function speakAsNpmStart(run: Command): Command {
  return run
    .usage('[options] [files...]')
    .configureHelp({ commandUsage: (command) => `npm start -- ${command.usage()}`, helpWidth: 100 })
    .showHelpAfterError('(npm start -- --help says more)')
}

/** @param description of `run`, from the table of verbs */
export function startHelp(description: string): string {
  const run = new Command('run').description(description)
  register(run)
  speakAsNpmStart(run)
  const { PretrainJob, FinetuneJob } = presetNames()
  return `${run.helpInformation()}
Presets (spec.preset; \`bin/downpour presets\` shows what they set):
  PretrainJob  ${PretrainJob.join(', ')}
  FinetuneJob  ${FinetuneJob.join(', ')}

Neither kubectl nor a cluster is needed. Internet is: once, for the npm packages.
`
}
