/** One process that computes, as the worker that has started it sees it. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Lease } from '../../contract/exchange.ts'
import { DownpourError, errorMessage } from '../../support/errors.ts'
import type { Answers, FromProcess, OpenFacts, Question, ToProcess } from './messages.ts'

export interface Launch {
  command: readonly string[]
  environment: NodeJS.ProcessEnv
}

export interface LaunchOptions extends Launch {
  /** The file of SharedArrays. */
  sharedFd: number
}

export interface ProcessEvents {
  onLease(): void
  onLeaseDone(lease: Lease): void
  /** Called once, when the process has failed or ended. */
  onFailed(error: DownpourError): void
}

export class ComputeProcess {
  readonly opened: Promise<OpenFacts>
  readonly #child: ChildProcess
  readonly #events: ProcessEvents
  readonly #opening = Promise.withResolvers<OpenFacts>()
  #onAnswer: (answer: Answers[keyof Answers]) => void = () => {}
  #hasFailed = false

  constructor({ command, environment, sharedFd }: LaunchOptions, events: ProcessEvents) {
    const [program = '', ...args] = command
    this.#events = events
    this.opened = this.#opening.promise
    this.#child = spawn(program, args, {
      env: environment,
      stdio: ['ignore', 'inherit', 'inherit', 'ipc', sharedFd],
      serialization: 'advanced',
    })
    this.#child.on('message', (message) => this.#take(message as FromProcess))
    this.#child.on('error', (error) => this.#fail('PROCESS_LOST', `it does not start: ${errorMessage(error)}`))
    // The last messages arrive before the channel is closed, and may arrive after the process has ended.
    this.#child.on('disconnect', () => void this.#explainEnd())
  }

  send(message: ToProcess): void {
    // A process that has ended gets no message; its end is reported by the events.
    this.#child.send(message, () => {})
  }

  /** One question at a time. Never settles if the process fails. */
  ask<T extends Question['type']>(question: Extract<Question, { type: T }>): Promise<Answers[T]> {
    return new Promise((resolve) => {
      this.#onAnswer = resolve as (answer: Answers[keyof Answers]) => void
      this.send(question)
    })
  }

  /** Resolves when the process has ended. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.#ended()
  }

  #take(message: FromProcess): void {
    switch (message.type) {
      case 'opened':
        return this.#opening.resolve(message)
      case 'answer':
        return this.#onAnswer(message.answer)
      case 'lease':
        return this.#events.onLease()
      case 'leaseDone':
        return this.#events.onLeaseDone(message.lease)
      case 'failed':
        return this.#fail(message.code, message.message)
    }
  }

  async #explainEnd(): Promise<void> {
    await this.#ended()
    const { exitCode, signalCode } = this.#child
    const how = signalCode ? `signal ${signalCode} ended it` : `it ended with exit code ${exitCode}`
    const hint = signalCode === 'SIGKILL' ? ', as the kernel does when the memory limit of the pod is reached' : ''
    this.#fail('PROCESS_LOST', how + hint)
  }

  async #ended(): Promise<void> {
    const { pid, exitCode, signalCode } = this.#child
    if (pid !== undefined && exitCode === null && signalCode === null) await once(this.#child, 'exit')
  }

  #fail(code: string, message: string): void {
    if (this.#hasFailed) return
    this.#hasFailed = true
    this.#events.onFailed(new DownpourError(code, message))
  }
}
