/** Entry point of bin/downpour. The table of verbs is in verbs.ts. */
import { availableParallelism } from 'node:os'
import { Command } from 'commander'
import { DECODERS_PER_CPU } from '../contract/runtime.ts'
import { errorCode } from '../support/errors.ts'
import { fail } from './fail.ts'
import { EXIT_CODES, withoutHelpOfUnknownVerb } from './unknown-verb.ts'
import { calledVerb, VERBS } from './verbs.ts'
import { VERSION } from './version.ts'

// EPIPE is no failure: in `downpour render FILE | head`, head closes the pipe early.
process.stdout.on('error', (error) => process.exit(errorCode(error) === 'EPIPE' ? 0 : 1))

// TensorFlow otherwise writes three lines about the machine to stderr, between those of the program.
process.env.TF_CPP_MIN_LOG_LEVEL ??= '1'
// In local mode the workers of a job share a GPU, of which TensorFlow otherwise takes all memory at once.
process.env.TF_FORCE_GPU_ALLOW_GROWTH ??= 'true'

// Pictures are decoded in libuv's threads, of which there are 4 by default. Two more are for files. It must be set before the first one starts.
process.env.UV_THREADPOOL_SIZE ??= String(DECODERS_PER_CPU * availableParallelism() + 2)

const args = process.argv.slice(2)
const program = new Command('downpour')
  .description(
    'Asynchronous pre-training and fine-tuning with parameter servers: operator, training runtime and local mode',
  )
  .version(VERSION)
  .showHelpAfterError('(see downpour VERB --help)')
  .addHelpText('after', EXIT_CODES)
for (const [name, { description }] of Object.entries(VERBS)) {
  const command = program.command(name).description(description)
  if (name === calledVerb(args)) (await VERBS[name as keyof typeof VERBS].load()).register(command)
}
await program.parseAsync(withoutHelpOfUnknownVerb(program, args), { from: 'user' }).catch(fail)
