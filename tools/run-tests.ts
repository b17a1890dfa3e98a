// Runs test files with node:test, several at a time; a file that exceeds its time limit fails by name.
// Arguments: files, or folders such as test/faults. Without arguments: every test file outside the heavy folders.
import { spawn } from 'node:child_process'
import { globSync, statSync } from 'node:fs'
import { availableParallelism } from 'node:os'

/**
 * Run only if they are named, one file at a time: each file starts a system of several processes, or needs a Python that it
 * installs.
 */
const HEAVY = ['test/faults', 'test/cluster', 'test/reference']
const isHeavy = (file: string) => HEAVY.some((folder) => file.startsWith(`${folder}/`) || file === folder)

const named = process.argv.slice(2)
const files =
  named.length > 0
    ? named.flatMap((path) => (statSync(path).isDirectory() ? globSync(`${path}/**/*.test.ts`) : [path]))
    : globSync('test/**/*.test.ts').filter((file) => !isHeavy(file))
const concurrency = named.some(isHeavy) ? 1 : Math.max(2, availableParallelism())
/** Limit of a test and of a file. Heavy tests may first have to build images and Kubernetes, or to install packages. */
const limitMs = named.some(isHeavy) ? 1_200_000 : 300_000
const limits = [`--test-timeout=${limitMs}`, `--test-concurrency=${concurrency}`]
const child = spawn(process.execPath, ['--test', ...limits, ...files.sort()], { stdio: 'inherit' })
child.on('exit', (code) => process.exit(code ?? 1))
