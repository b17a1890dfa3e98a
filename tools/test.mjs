// `npm test [-- PATH...]`: sets up, then runs the test suite (every test/**/*.test.ts except the heavy folders).
import { runWithNode, setUp } from './setup.mjs'

const args = process.argv.slice(2)
if (args.includes('--help') || args.includes('-h')) {
  process.stdout.write(
    'Usage: npm test [-- PATH...]\n\nPATH: test files, or folders such as test/unit/ps (default: all except test/faults, test/cluster, test/reference and test/monitoring)\n',
  )
} else {
  await runWithNode(await setUp(), ['tools/run-tests.ts', ...args])
}
