/** The contenders that are Python programs. */
import { fileURLToPath } from 'node:url'
import { exec } from '../../tools/cluster/exec.ts'
import { pythonWith } from '../../tools/python.ts'
import { median } from '../figures.ts'
import type { Contender } from './contender.ts'
import { ELEMENTS_EACH, VARIABLES } from './model.ts'
import { endInput, startProgram } from './processes.ts'

/** Debian's own Python, which alone sees Debian's PyTorch: that of PyPI takes gigabytes. */
const DEBIAN_PYTHON = '/usr/bin/python3'

function fileOf(script: string): string {
  return fileURLToPath(new URL(script, import.meta.url))
}

function startPython(name: string, python: string, args: readonly string[]): Contender {
  const { child, ask } = startProgram(python, args)
  return {
    name,
    async run(count) {
      const { times, cpu } = (await ask(String(count))) as { times: number[]; cpu: number }
      return { exchange: median(times), cpu: cpu / count }
    },
    close: () => endInput(child),
  }
}

/** A worker, a parameter server and a chief of TensorFlow. */
export async function startStrategy(): Promise<Contender> {
  const python = await pythonWith('bench/tensorflow-requirements.txt')
  const sizes = [String(VARIABLES), String(ELEMENTS_EACH)]
  return startPython('ParameterServerStrategy', python, [fileOf('strategy.py'), ...sizes])
}

/** All-reduce of two processes. Undefined: the machine has no PyTorch with gloo. */
export async function startGloo(): Promise<Contender | undefined> {
  try {
    await exec(DEBIAN_PYTHON, ['-c', 'import torch.distributed as d; assert d.is_gloo_available()'])
  } catch {
    return undefined
  }
  return startPython('all-reduce of gloo', DEBIAN_PYTHON, [fileOf('gloo.py'), String(VARIABLES * ELEMENTS_EACH)])
}
