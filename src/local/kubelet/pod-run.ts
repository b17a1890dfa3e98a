/** The process of a running pod, with its readiness probe and the end of its grace period. */
import type { Stored } from '../store/objects.ts'
import { graceOf } from '../store/store.ts'
import type { RunningPod } from './pod-process.ts'
import { startProbe } from './probe.ts'

export class PodRun {
  readonly pod: Stored
  readonly podIP: string
  readonly process: RunningPod
  readonly #stopProbe: () => void
  #killTimer: NodeJS.Timeout | undefined
  /** Infinity until the pod is terminated. */
  #graceSeconds = Number.POSITIVE_INFINITY

  constructor(pod: Stored, podIP: string, process: RunningPod, onReadiness: (ready: boolean) => void) {
    this.pod = pod
    this.podIP = podIP
    this.process = process
    this.#stopProbe = startProbe(pod, podIP, onReadiness)
  }

  get isTerminating(): boolean {
    return this.#graceSeconds !== Number.POSITIVE_INFINITY
  }

  /** Sends SIGTERM, and SIGKILL after the grace period, which a second call can only shorten. */
  terminate(graceSeconds = graceOf(this.pod)): void {
    if (graceSeconds >= this.#graceSeconds) return
    this.#graceSeconds = graceSeconds
    this.process.signal('SIGTERM')
    clearTimeout(this.#killTimer)
    this.#killTimer = setTimeout(() => this.kill(), graceSeconds * 1000)
  }

  kill(): void {
    this.process.signal('SIGKILL')
  }

  /** To be called when the process has ended. */
  stop(): void {
    this.#stopProbe()
    clearTimeout(this.#killTimer)
  }
}
