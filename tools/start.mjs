// `npm start [-- FILE...]`: sets up, then runs `downpour run FILE...`; without FILE, the demonstration.
// The help text is a generated file (`npm run generate`), because it must be printable before anything is installed.
import { readFileSync } from 'node:fs'
import { runWithNode, setUp } from './setup.mjs'

const args = process.argv.slice(2)
const options = args.includes('--') ? args.slice(0, args.indexOf('--')) : args
if (options.includes('--help') || options.includes('-h')) {
  process.stdout.write(readFileSync(new URL('start-help.txt', import.meta.url)))
} else {
  await runWithNode(await setUp(), ['bin/downpour', 'run', ...args])
}
