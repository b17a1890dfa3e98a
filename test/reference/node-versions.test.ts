/** Accepted sockets are read directly through a private handle, so each version of Node that Downpour runs on is tried. */
import assert from 'node:assert/strict'
import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { cacheRoot } from '../../src/support/cache-root.mjs'
import { exec } from '../../tools/cluster/exec.ts'

/** The first that strips types, and a later one; `npm test` runs on Node 24. */
const VERSIONS = ['22.23.5', '26.12.1']
const TESTS = ['test/unit/wire/direct-socket.test.ts', 'test/unit/wire/channel.test.ts']

// With it, the test runner of a child would run no test.
delete process.env.NODE_TEST_CONTEXT

/** Node from the npm registry, as set-up installs Node 24. */
async function nodeOf(version: string): Promise<string> {
  const folder = join(cacheRoot(process.env), `node-${version}`)
  const name = `node-linux-${process.arch}`
  const program = join(folder, 'node_modules', name, 'bin', 'node')
  if (existsSync(program)) return program
  mkdirSync(folder, { recursive: true })
  await exec('npm', ['install', '--no-save', '--no-audit', '--no-fund', '--prefix', folder, `${name}@${version}`])
  return program
}

for (const version of VERSIONS)
  test(`accepted sockets are read directly on Node ${version}`, async () => {
    const output = await exec(await nodeOf(version), ['--test', '--test-reporter=tap', ...TESTS])
    assert.match(output, new RegExp(`^ *ok \\d+ - read directly .* on Node ${version.split('.')[0]}$`, 'm'))
  })
