/** A Python with the packages that are references for numbers, kept in Downpour's cache. It needs python3 with venv. */
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { cacheRoot } from '../src/support/cache-root.mjs'
import { exec } from './cluster/exec.ts'

/**
 * Installs the packages of a requirements file the first time. A virtual environment cannot be moved, so a file that is
 * written last says that it is complete.
 * @returns path of the program. @throws DownpourError COMMAND_FAILED, COMMAND_MISSING
 */
export async function pythonWith(requirements: string): Promise<string> {
  const digest = createHash('sha256').update(readFileSync(requirements)).digest('hex').slice(0, 12)
  const folder = join(cacheRoot(process.env), `python-${digest}`)
  const program = join(folder, 'bin', 'python')
  const stamp = join(folder, 'complete')
  if (existsSync(stamp)) return program
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(cacheRoot(process.env), { recursive: true })
  await exec('python3', ['-m', 'venv', folder])
  await exec(program, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '-r', requirements])
  writeFileSync(stamp, '')
  return program
}
