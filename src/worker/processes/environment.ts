/** The environment of one process of several in a pod: its GPU, and its share of the processors. */
import { ENV, TENSORFLOW_THREADS } from '../../contract/runtime.ts'

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
  const shareOf = (name: string) => String(Math.max(1, Math.floor(Number(pod[name] ?? cpus) / processes)))
  const shared = [...TENSORFLOW_THREADS, ENV.decoders].map((name) => [name, shareOf(name)])
  return {
    ...pod,
    ...Object.fromEntries(shared),
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
