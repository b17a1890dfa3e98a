import { once } from 'node:events'
import { connect } from 'node:net'
import { median } from '../figures.ts'
import type { Contender } from './contender.ts'
import { BODY_BYTES, spaceAt } from './model.ts'
import { cpuMsOf, end, startServer } from './processes.ts'

/** node:net between two processes, with `onread` at both ends. */
export async function startRaw(): Promise<Contender> {
  const { child, port } = await startServer('raw-server.ts')
  const sink = Buffer.alloc(BODY_BYTES)
  const gradients = Buffer.alloc(BODY_BYTES, 5)
  let at = 0
  let expected = 0
  let done = () => {}
  const onread = {
    buffer: () => spaceAt(at, sink),
    callback: (bytes: number) => {
      at += bytes
      if (at === expected) {
        at = 0
        done()
      }
      return true
    },
  }
  // `buffer` may be a function, which the types lack.
  const socket = connect({ port, host: '127.0.0.1', onread } as unknown as Parameters<typeof connect>[0])
  await once(socket, 'connect')
  socket.setNoDelay()
  const answered = async (body: Buffer | string, bytes: number) => {
    const startedMs = performance.now()
    expected = bytes
    const answer = new Promise<void>((resolve) => {
      done = resolve
    })
    socket.write(body)
    await answer
    return performance.now() - startedMs
  }
  return {
    name: 'node:net',
    async run(count) {
      const before = cpuMsOf(process.pid) + cpuMsOf(child.pid as number)
      const times: { pull: number; push: number }[] = []
      for (let i = 0; i < count; i++)
        times.push({ pull: await answered('x', BODY_BYTES), push: await answered(gradients, 1) })
      const cpuMs = (cpuMsOf(process.pid) + cpuMsOf(child.pid as number) - before) / count
      return {
        pull: median(times.map(({ pull }) => pull)),
        push: median(times.map(({ push }) => push)),
        exchange: median(times.map(({ pull, push }) => pull + push)),
        cpu: cpuMs,
      }
    },
    async close() {
      socket.destroy()
      await end(child)
    },
  }
}
