// `npm test [-- PATH...]`: set up, then the test suite (every test/**/*.test.ts but the heavier suites).
import { runWithNode, setUp } from './setup.mjs'

const words = process.argv.slice(2)
if (words.includes('--help') || words.includes('-h')) {
  process.stdout.write(
    'Usage: npm test [-- PATH...]\n\nPATH: test files, or folders such as test/unit/ps (default: all but test/faults and test/cluster)\n',
  )
} else {
  await runWithNode(await setUp(), ['tools/run-tests.ts', ...words])
}
