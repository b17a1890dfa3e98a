/** `downpour worker --process N`: one process of several in the pod of a worker. It computes, and another one exchanges. */
import { exitCodeOf } from '../../contract/exit-codes.ts'
import { mustUseOneGpu } from '../../contract/gpu.ts'
import { claimFolder, parseIdentity, parseRuntimeConfig, readSurroundings } from '../../contract/parse-config.ts'
import { EXIT, type PlaceArgs } from '../../contract/runtime.ts'
import { WaitingTime } from '../../metrics/waiting-time.ts'
import { cacheRoot } from '../../support/cache-root.mjs'
import { errorCode, errorMessage } from '../../support/errors.ts'
import { createLog, type Log } from '../../support/log.ts'
import { createTask } from '../../tasks/registry.ts'
import { wholeLayout } from '../../wire/layout.ts'
import { openSingle } from '../open-single.ts'
import { type FromProcess, SHARED_FD, type ToProcess } from './messages.ts'
import { SharedArrays } from './shared-arrays.ts'
import { StepServer } from './step-server.ts'

export async function runComputeProcess(place: PlaceArgs): Promise<void> {
  const { logLevel } = readSurroundings(process.env)
  const number = Number(place.process)
  const log = createLog({ role: 'worker', index: Number(place.index), process: number }, logLevel)
  endWithWorker()
  process.on('uncaughtException', (error) => fail(error, log))
  try {
    await serve(place, number, log)
  } catch (error) {
    fail(error, log)
  }
}

/** The worker decides when its processes end: a signal to the group of the pod must not end them before it. */
function endWithWorker(): void {
  process.on('SIGTERM', () => {})
  process.on('SIGINT', () => {})
  process.on('disconnect', () => process.exit(EXIT.terminated))
}

async function serve(place: PlaceArgs, number: number, log: Log): Promise<void> {
  const config = parseRuntimeConfig(process.env)
  const { index } = parseIdentity(place, process.env)
  const { gpu, decoders } = readSurroundings(process.env)
  const waiting = new WaitingTime()
  const opened = await openSingle({
    ...{ config, decoders, gpu, log },
    dataDir: claimFolder('data', process.env),
    isChecking: index === 0 && number === 0,
    cache: cacheRoot(process.env),
    timed: (batch) => waiting.during(batch),
    signal: new AbortController().signal,
  })
  mustUseOneGpu(gpu, opened.backend)
  const whole = wholeLayout(await createTask(config))
  const shared = new SharedArrays(SHARED_FD, whole, config.perPod ?? 1)
  const waitedSeconds = () => waiting.seconds()
  const rssBytes = () => process.memoryUsage.rss()
  const server = new StepServer({ process: number, opened, shared, whole, waitedSeconds, rssBytes, send })
  process.on('message', (message) => void server.take(message as ToProcess).catch((error) => fail(error, log)))
  send({ type: 'opened', facts: opened.facts, backend: opened.backend })
}

/** @param sent called when the message was sent, or cannot be */
function send(message: FromProcess, sent: () => void = () => {}): void {
  if (process.send) process.send(message, undefined, {}, sent)
  else sent()
}

/** The worker ends with the same code. A bug has a stack, which only this process knows. */
function fail(error: unknown, log: Log): void {
  const code = errorCode(error)
  if (code === 'UNKNOWN') log.error({ code, stack: (error as Error).stack }, 'process failed')
  send({ type: 'failed', code, message: errorMessage(error) }, () => process.exit(exitCodeOf(code)))
}
