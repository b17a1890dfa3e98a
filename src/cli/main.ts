/** bin/downpour: one line a verb. A verb's room is opened only when the verb is called, so a worker loads no operator. */
import { Command } from 'commander'
import { ARGS } from '../contract/runtime.ts'
import { errorCode } from '../support/errors.ts'
import { fail } from './fail.ts'
import { EXIT_CODES, refusableArguments } from './unknown-verb.ts'
import { registerOperator } from './verbs/operator.ts'
import { registerRun, speakAsNpmStart } from './verbs/run.ts'
import { VERSION } from './version.ts'

// The reader of a pipe may stop early: `downpour render FILE | head`.
process.stdout.on('error', (error) => process.exit(errorCode(error) === 'EPIPE' ? 0 : 1))

const program = new Command('downpour')
  .description('Asynchronous pre-training and transfer at scale: operator, training runtime and local mode')
  .version(VERSION)
  .showHelpAfterError('(downpour VERB --help says more)')

const run = registerRun(program, async (files, options) => exitWith((await import('./run/run.ts')).run(files, options)))
// npm says which script runs; to whoever typed `npm start`, that is the command.
if (process.env.npm_lifecycle_event === 'start') speakAsNpmStart(run)

registerOperator(program, async (options) => exitWith((await import('../operator/main.ts')).runOperator(options)))

const ofJob = (verb: string, what: string) =>
  program
    .command(verb)
    .description(`${what} process (in a pod; its job is told by DOWNPOUR_* variables)`)
    .option(`${ARGS.index} <n>`, 'its place among those of its role')
    .option(`${ARGS.attempt} <n>`, 'which try it is at this place, from 0')
ofJob('ps', 'parameter server').action(async (place) => (await import('../ps/main.ts')).runParameterServer(place))
ofJob('worker', 'training').action(async (place) => (await import('../worker/main.ts')).runWorker(place))
ofJob('evaluate', 'evaluator').action(async () => (await import('../evaluator/main.ts')).runEvaluator())

program
  .command('validate')
  .description('check job files and say what is wrong with them')
  .argument('<files...>', "YAML files; '-' is standard input")
  .option('--json', 'one JSON object instead of lines: { valid, jobs, otherObjects, problems }')
  .action(async (files, options) => exitWith((await import('./verbs/validate.ts')).validateFiles(files, io(), options)))

program
  .command('render')
  .description('print the objects that a job becomes')
  .argument('<files...>', "YAML files; '-' is standard input")
  .option('--summary', 'counts only')
  .action(async (files, options) => exitWith((await import('./verbs/render.ts')).renderFiles(files, io(), options)))

program
  .command('presets')
  .description('list what spec.preset can name, and the numbers that each one fills in')
  .action(async () => exitWith(Promise.resolve((await import('./verbs/presets.ts')).listPresets(io()))))

const checkpoint = program.command('checkpoint').description('look at checkpoints on a volume')
checkpoint
  .command('list')
  .description('a line for each checkpoint, newest last')
  .argument('<dir>', 'the folder of a job, of a claim, or any above them')
  .action(async (dir) => exitWith((await import('./verbs/checkpoint.ts')).listFolder(dir, io())))
checkpoint
  .command('verify')
  .description('read every byte and hold it against the manifest')
  .argument('<dir>', 'one checkpoint (step-...), the folder of a job, of a claim, or any above them')
  .action(async (dir) => exitWith((await import('./verbs/checkpoint.ts')).verifyFolder(dir, io())))

const { registerData } = await import('./verbs/data.ts')
registerData(program)

program.addHelpText('after', EXIT_CODES)
await program.parseAsync(refusableArguments(program, process.argv.slice(2)), { from: 'user' }).catch(fail)

function io() {
  return { out: process.stdout, err: process.stderr, in: process.stdin }
}

async function exitWith(code: Promise<number>): Promise<void> {
  process.exitCode = await code
}
