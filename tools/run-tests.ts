// Runs test files with node:test, several at a time; a file that exceeds its time limit fails by name.
// Arguments: files, or folders such as test/faults. Without arguments: every test file outside the heavy folders.
import { spawn } from 'node:child_process'
import { globSync, statSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { resolve } from 'node:path'

/**
 * Folders that run only if they are named, with how many of their files run at the same time. Each file of them starts a
 * system of several processes, or needs programs that it installs. Fault tests wait for much of their time; cluster tests
 * share one control plane.
 */
const HEAVY: Readonly<Record<string, number>> = {
  'test/faults': 2,
  'test/cluster': 1,
  'test/reference': 1,
  'test/monitoring': 1,
}
const heavyFolder = (path: string) =>
  Object.keys(HEAVY).find((folder) => path.startsWith(`${folder}/`) || path === folder)

const named = process.argv.slice(2)
const files =
  named.length > 0
    ? named.flatMap((path) => (statSync(path).isDirectory() ? globSync(`${path}/**/*.test.ts`) : [path]))
    : globSync('test/**/*.test.ts').filter((file) => !heavyFolder(file))
const atOnce = named.flatMap((path) => HEAVY[heavyFolder(path) ?? ''] ?? [])
const concurrency = Math.min(Math.max(2, availableParallelism()), ...atOnce)
/** Limit of a test and of a file. Heavy tests may first have to build images and Kubernetes, or to install packages. */
const limitMs = atOnce.length > 0 ? 1_200_000 : 300_000
const limits = [`--test-timeout=${limitMs}`, `--test-concurrency=${concurrency}`]
/**
 * Hundreds of short processes load the same modules: with a compile cache that they share, a process starts in half the
 * time.
 */
const env = { NODE_COMPILE_CACHE: resolve('.cache/compile-cache'), ...process.env }
const child = spawn(process.execPath, ['--test', ...limits, ...files.sort()], { stdio: 'inherit', env })
child.on('exit', (code) => process.exit(code ?? 1))
