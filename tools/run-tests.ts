// Runs test files with node:test, several files at a time; a file hung past its limit fails by name.
// Arguments: files, or folders such as test/faults; none: everything but the heavier suites.
import { spawn } from 'node:child_process'
import { globSync, statSync } from 'node:fs'
import { availableParallelism } from 'node:os'

/** Whole systems of several processes each: one at a time, and not in `npm test`. */
const HEAVY = ['test/faults', 'test/cluster', 'test/browser']
const isHeavy = (file: string) => HEAVY.some((folder) => file.startsWith(`${folder}/`) || file === folder)

const named = process.argv.slice(2)
const files =
  named.length > 0
    ? named.flatMap((path) => (statSync(path).isDirectory() ? globSync(`${path}/**/*.test.ts`) : [path]))
    : globSync('test/**/*.test.ts').filter((file) => !isHeavy(file))
const concurrency = named.some(isHeavy) ? 1 : Math.max(2, availableParallelism())
/** Of a test and of a file: where whole systems run, images and a Kubernetes may first have to be built. */
const limitMs = named.some(isHeavy) ? 1_200_000 : 300_000
const limits = [`--test-timeout=${limitMs}`, `--test-concurrency=${concurrency}`]
const child = spawn(process.execPath, ['--test', ...limits, ...files.sort()], { stdio: 'inherit' })
child.on('exit', (code) => process.exit(code ?? 1))
