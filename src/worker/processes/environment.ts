/** The environment of one process of several in a pod: its GPU, and its share of the processors. */
import { DECODERS_PER_CPU, ENV, TENSORFLOW_THREADS } from '../../contract/runtime.ts'

type Environment = Readonly<Record<string, string | undefined>>

export interface Share {
  /** Number of the process, from 0. */
  process: number
  processes: number
  /** Whether each process has a GPU of its own. */
  hasGpu: boolean
  /** Of the pod. */
  cpus: number
}

const VISIBLE = 'CUDA_VISIBLE_DEVICES'
/** The device plugin of NVIDIA names the GPUs of the pod here. Parts of GPUs can be chosen by these names only. */
const ASSIGNED = 'NVIDIA_VISIBLE_DEVICES'
const UUID = /^(GPU|MIG)-/

export function environmentOf(pod: Environment, { process, processes, hasGpu, cpus }: Share): Environment {
  const shareOf = (name: string, all: number) => String(Math.max(1, Math.floor(Number(pod[name] ?? all) / processes)))
  const threads = TENSORFLOW_THREADS.map((name) => [name, shareOf(name, cpus)])
  return {
    ...pod,
    ...Object.fromEntries(threads),
    [ENV.decoders]: shareOf(ENV.decoders, DECODERS_PER_CPU * cpus),
    ...(hasGpu ? { [VISIBLE]: gpuOf(pod, process, processes) } : {}),
  }
}

function gpuOf(pod: Environment, process: number, processes: number): string {
  const visible = listOf(pod[VISIBLE])
  const assigned = listOf(pod[ASSIGNED]).filter((name) => UUID.test(name))
  const names = [visible, assigned].find((list) => list.length === processes)
  return names?.[process] ?? String(process)
}

function listOf(text = ''): string[] {
  return text.split(',').filter((name) => name !== '')
}
