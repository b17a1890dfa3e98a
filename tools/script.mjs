// `node tools/script.mjs [FILE [ARG...]]`: sets up, then runs a TypeScript file with Downpour's Node. Without FILE it
// prints the folder of that Node, for PATH.
import { dirname } from 'node:path'
import { runWithNode, setUp } from './setup.mjs'

const node = await setUp()
const args = process.argv.slice(2)
if (args.length > 0) await runWithNode(node, args)
else process.stdout.write(`${dirname(node)}\n`)
