/** Opens real processes, and waits to be killed. The argument is the JSON of RealProcesses. */
import { openReal } from './real-processes.ts'

const opened = await openReal(JSON.parse(process.argv[2] ?? ''))
process.stdout.write(opened.backend)
setInterval(() => {}, 1000)
