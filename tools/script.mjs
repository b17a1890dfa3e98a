// `node tools/script.mjs FILE [ARG...]`: set up, then run a TypeScript file with Downpour's Node.
import { runWithNode, setUp } from './setup.mjs'

await runWithNode(setUp(), process.argv.slice(2))
