/** Runs the scripts of this folder with the packages of requirements.txt. */
import { join } from 'node:path'
import { exec } from '../../tools/cluster/exec.ts'
import { pythonWith } from '../../tools/python.ts'

const FOLDER = import.meta.dirname

/** @returns the values that the script printed, one line of JSON each */
export async function runReference(script: string, args: readonly string[]): Promise<unknown[]> {
  const program = await pythonWith(join(FOLDER, 'requirements.txt'))
  const output = await exec(program, [join(FOLDER, script), ...args])
  return output
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
}
