/** What the operator's image starts: `downpour operator` alone, so that the image carries no tensor library. */
import { Command } from 'commander'
import { runOperator } from '../operator/main.ts'
import { fail } from './fail.ts'
import { registerOperator } from './verbs/operator.ts'

const program = new Command('downpour').description('Downpour, the operator').showHelpAfterError()
registerOperator(program, async (options) => {
  process.exitCode = await runOperator(options)
})
await program.parseAsync().catch(fail)
