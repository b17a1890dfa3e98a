// `npm start [-- FILE...]`: set up, then `downpour run FILE...` (the demonstration when no file is named).
// Help is a generated text (`npm run generate`), so that it can be read before anything is installed.
import { readFileSync } from 'node:fs'
import { runWithNode, setUp } from './setup.mjs'

const words = process.argv.slice(2)
const options = words.includes('--') ? words.slice(0, words.indexOf('--')) : words
if (options.includes('--help') || options.includes('-h')) {
  process.stdout.write(readFileSync(new URL('start-help.txt', import.meta.url)))
} else {
  await runWithNode(await setUp(), ['bin/downpour', 'run', ...words])
}
