import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'

/** Makes a folder that is removed after the test file. Must be called outside of tests and hooks. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'downpour-test-'))
  after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}
