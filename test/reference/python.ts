/** A Python with the packages that are references for numbers, kept in Downpour's cache. It needs python3 with venv. */
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { cacheRoot } from '../../src/support/cache-root.mjs'
import { exec } from '../../tools/cluster/exec.ts'

const FOLDER = import.meta.dirname
const REQUIREMENTS = join(FOLDER, 'requirements.txt')

/**
 * Runs a script of this folder.
 * @returns the values that it printed, one line of JSON each
 */
export async function runReference(script: string, args: readonly string[]): Promise<unknown[]> {
  const output = await exec(await python(), [join(FOLDER, script), ...args])
  return output
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
}

/** A virtual environment cannot be moved, so a file that is written last says that it is complete. */
async function python(): Promise<string> {
  const digest = createHash('sha256').update(readFileSync(REQUIREMENTS)).digest('hex').slice(0, 12)
  const folder = join(cacheRoot(process.env), `python-${digest}`)
  const program = join(folder, 'bin', 'python')
  const stamp = join(folder, 'complete')
  if (existsSync(stamp)) return program
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(cacheRoot(process.env), { recursive: true })
  await exec('python3', ['-m', 'venv', folder])
  await exec(program, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '-r', REQUIREMENTS])
  writeFileSync(stamp, '')
  return program
}
