// `node tools/script.mjs [FILE [ARG...]]`: set up, then run a TypeScript file with Downpour's Node. Without a file it
// prints the folder of that Node, for PATH.
import { dirname } from 'node:path'
import { runWithNode, setUp } from './setup.mjs'

const node = await setUp()
const words = process.argv.slice(2)
if (words.length > 0) await runWithNode(node, words)
else process.stdout.write(`${dirname(node)}\n`)
