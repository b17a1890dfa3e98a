/** The loader's thread: makes a batch for each `wanted`, asks for leases as it needs them. */
import { parentPort, workerData } from 'node:worker_threads'
import type { Lease } from '../contract/exchange.ts'
import { openSource } from '../data/formats.ts'
import { errorCode, errorMessage } from '../support/errors.ts'
import type { LeaseSource } from './batch.ts'
import { trainingBatches } from './batches.ts'
import { CorruptionCount, createExampleReader } from './examples.ts'
import type { FromLoader, LoaderTask, ToLoader } from './loader.ts'

const port = parentPort as NonNullable<typeof parentPort>
const task = workerData as LoaderTask
const corruption = new CorruptionCount(task.config.maxCorruptRecords)

/** Credits: batches asked for and not yet made. */
let wanted = 0
let wake: (() => void) | undefined
let takeLease: ((lease: Lease | null) => void) | undefined

port.on('message', (message: ToLoader) => {
  if (message.type === 'lease') return takeLease?.(message.lease)
  wanted++
  wake?.()
})

const leases: LeaseSource = {
  next() {
    const answer = new Promise<Lease | null>((resolve) => {
      takeLease = resolve
    })
    send({ type: 'lease' })
    return answer
  },
  async done(lease) {
    send({ type: 'leaseDone', lease })
  },
}

async function main(): Promise<void> {
  const source = await openSource(task.folder, task.config, task.classes)
  const reader = createExampleReader(source, task.input.resizePixels, corruption, task.cacheBytes)
  for await (const batch of trainingBatches(reader, task.input, task.batchSize, task.seed, leases)) {
    while (wanted === 0) {
      await new Promise<void>((resolve) => {
        wake = resolve
      })
    }
    wanted--
    send({ type: 'batch', batch, corruptRecords: corruption.count }, [batch.images.buffer as ArrayBuffer])
  }
  send({ type: 'end', corruptRecords: corruption.count })
}

function send(message: FromLoader, transfer: ArrayBuffer[] = []): void {
  port.postMessage(message, transfer)
}

main().catch((error) => {
  // A bug crosses as it is, with its stack, through the thread's 'error' event.
  if (errorCode(error) === 'UNKNOWN') throw error
  send({ type: 'error', code: errorCode(error), message: errorMessage(error), corruptRecords: corruption.count })
})
