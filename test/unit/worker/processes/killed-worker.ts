/** Opens two scripted processes, and waits to be killed. The argument is their mark. */
import { openScripted } from './scripted.ts'

const opened = await openScripted({ scripts: [{}, {}], mark: process.argv[2] ?? '' })
process.stdout.write(opened.backend)
setInterval(() => {}, 1000)
