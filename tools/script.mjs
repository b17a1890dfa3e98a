// `node tools/script.mjs [FILE [ARG...]]`: set up, then run a TypeScript file with Downpour's Node.
import { runWithNode, setUp } from './setup.mjs'

const node = await setUp()
const words = process.argv.slice(2)
if (words.length > 0) await runWithNode(node, words)
