// Runs test files with node:test, several files at a time; a file hung past its limit fails by name.
import { spawn } from 'node:child_process'
import { globSync } from 'node:fs'

const SUITE = 'test/**/*.test.ts'
const HEAVY = ['test/faults/', 'test/cluster/', 'test/browser/']
const named = process.argv.slice(2)
const files = named.length > 0 ? named : globSync(SUITE).filter((file) => !HEAVY.some((dir) => file.startsWith(dir)))
const args = ['--test', '--test-timeout=180000', '--test-concurrency=2', ...files.sort()]
const child = spawn(process.execPath, args, { stdio: 'inherit' })
child.on('exit', (code) => process.exit(code ?? 1))
