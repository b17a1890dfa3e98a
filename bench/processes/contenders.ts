/** Ways to bring weights to the processes of a worker, and the sum of their gradients back. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { fileURLToPath } from 'node:url'
import { SHARED_MEMORY } from '../../src/contract/runtime.ts'
import { openProcesses } from '../../src/worker/processes/open-processes.ts'
import { add } from '../../src/worker/processes/shared-arrays.ts'
import { arrays, VALUES, WHOLE } from './model.ts'

export interface Pod {
  /** New weights for each process, and the sum of their gradients. */
  update(): Promise<Float32Array>
  close(): Promise<void>
}

const FLOAT_BYTES = 4
const programOf = (name: string) => fileURLToPath(new URL(name, import.meta.url))

export async function sharedMemory(processes: number): Promise<Pod> {
  const opened = await openProcesses({
    processes,
    launchOf: (number) => ({
      command: [process.execPath, programOf('./shared-process.ts'), String(number), String(processes)],
      environment: process.env,
    }),
    folder: SHARED_MEMORY,
    whole: WHOLE,
    onWaited: () => {},
    signal: new AbortController().signal,
  })
  const source = opened.start({ next: async () => null, done: async () => {} }, {})
  const [weights, sums] = [arrays(), arrays()]
  return {
    async update() {
      source.load(weights)
      const step = await source.next(sums)
      return step?.gradients.get('w0') as Float32Array
    },
    close: () => opened.close(),
  }
}

/** Through a Unix socket for each, without checksums; gradients are added when they are complete. */
export async function sockets(processes: number): Promise<Pod> {
  const children = Array.from({ length: processes }, () =>
    spawn(process.execPath, [programOf('./socket-process.ts')], { stdio: ['ignore', 'inherit', 'inherit', 'pipe'] }),
  )
  const members = children.map(memberOf)
  const weights = new Uint8Array(new Float32Array(VALUES).fill(0.5).buffer)
  const sum = new Float32Array(VALUES)
  return {
    async update() {
      const gradients = await Promise.all(members.map((member) => member.exchange(weights)))
      sum.fill(0)
      for (const gradient of gradients) add(sum, gradient)
      return sum
    },
    async close() {
      const ended = children.map((child) => once(child, 'exit'))
      for (const child of children) child.kill()
      await Promise.all(ended)
    },
  }
}

function memberOf(child: ChildProcess) {
  const socket = child.stdio[3] as unknown as Socket
  const gradient = new Float32Array(VALUES)
  const bytes = new Uint8Array(gradient.buffer)
  let received = 0
  let onComplete = () => {}
  socket.on('data', (chunk) => {
    bytes.set(chunk, received)
    received += chunk.length
    if (received === FLOAT_BYTES * VALUES) onComplete()
  })
  return {
    exchange(weights: Uint8Array): Promise<Float32Array> {
      received = 0
      const complete = new Promise<void>((resolve) => {
        onComplete = resolve
      })
      socket.write(weights)
      return complete.then(() => gradient)
    },
  }
}
