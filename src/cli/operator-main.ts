/** Entry point of the operator's image: only the verb `operator`, so that the image needs no tensor library. */
import { Command } from 'commander'
import { fail } from './fail.ts'
import { register } from './verbs/operator.ts'

const program = new Command('downpour').description('Downpour, the operator').showHelpAfterError()
register(program.command('operator'))
await program.parseAsync().catch(fail)
