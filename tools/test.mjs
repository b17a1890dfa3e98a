// `npm test [-- PATTERN...]`: set up, then the test suite (every test/**/*.test.ts but the heavier suites).
import { runWithNode, setUp } from './setup.mjs'

const node = setUp()
const files = process.argv.slice(2)
await runWithNode(node, ['tools/run-tests.ts', ...files])
