/** Changes jobs at random: creates, scales, suspends and deletes them, and deletes or fails their pods. */
import { API_VERSION, jobPrefix, LABELS, PLURALS, ROLES } from '../../src/contract/names.ts'
import { isNotFound } from '../../src/kube/errors.ts'
import type { KubeObject } from '../../src/kube/objects.ts'
import type { Random } from '../../src/support/random.ts'
import type { TestNamespace } from './fixture.ts'
import type { DesiredJob } from './job-states.ts'

const NAMES = 10
const MAX_WORKERS = 4
/** The back-off doubles with each failure of a replica; more failures would cost minutes of waiting at the end. */
const MAX_FAILURES = 3

export class Population {
  /** The state that each job must reach in the end, by name. */
  readonly desired = new Map<string, DesiredJob>()
  /** How often each kind of change was made. */
  readonly changeCounts: Record<string, number> = {}
  readonly #namespace: TestNamespace
  readonly #random: Random
  readonly #failures = new Map<string, number>()

  constructor(namespace: TestNamespace, random: Random) {
    this.#namespace = namespace
    this.#random = random
  }

  /** Makes one random change to a job or to an object that it owns. */
  async change(): Promise<void> {
    const name = `job-${this.#random.int(NAMES)}`
    const job = this.desired.get(name)
    const [what, run] = job ? this.#choose(name, job) : (['create', () => this.#create(name)] as const)
    this.changeCounts[what] = (this.changeCounts[what] ?? 0) + 1
    await run()
  }

  #choose(name: string, job: DesiredJob): readonly [string, () => Promise<void>] {
    const changes = [
      ['scale', () => this.#patch(name, { ...job, workers: this.#randomCount() })],
      ['suspend or resume', () => this.#patch(name, { ...job, suspend: !job.suspend })],
      ['delete', () => this.#delete(name)],
      ['delete and create again', () => this.#delete(name).then(() => this.#create(name))],
      ['delete a pod', () => this.#deletePod(name)],
      ['fail a pod', () => this.#failPod(name)],
      ['delete the service', () => this.#deleteService(name)],
    ] as const
    return changes[this.#random.int(changes.length)] as (typeof changes)[number]
  }

  async #create(name: string): Promise<void> {
    const workers = this.#randomCount()
    await this.#namespace.createJob(name, workers)
    this.desired.set(name, { workers, suspend: false })
  }

  async #patch(name: string, job: DesiredJob): Promise<void> {
    const spec = { workers: { replicas: job.workers }, suspend: job.suspend }
    await this.#namespace.client.mergePatch(this.#job(name), { spec })
    this.desired.set(name, job)
  }

  async #delete(name: string): Promise<void> {
    await this.#namespace.client.delete(this.#job(name), { propagationPolicy: 'Background' })
    this.desired.delete(name)
    this.#failures.delete(name)
  }

  async #deletePod(name: string): Promise<void> {
    const pod = await this.#randomPod(name)
    if (pod) await this.#namespace.client.delete(this.#ref('pods', pod))
  }

  async #failPod(name: string): Promise<void> {
    const failures = this.#failures.get(name) ?? 0
    const pod = failures < MAX_FAILURES ? await this.#randomPod(name) : undefined
    if (!pod) return
    this.#failures.set(name, failures + 1)
    const state = { terminated: { exitCode: 137, reason: 'OOMKilled', finishedAt: new Date().toISOString() } }
    const role = ROLES.find((one) => pod.includes(`-${one}-`)) ?? 'main'
    const status = { phase: 'Failed', containerStatuses: [{ name: role, state }] }
    const ref = { ...this.#ref('pods', pod), subresource: 'status' } as const
    await this.#namespace.client.mergePatch(ref, { status }).catch((error: unknown) => {
      // The pod was deleted since the list, which is a failure of its own.
      if (!isNotFound(error)) throw error
    })
  }

  async #deleteService(name: string): Promise<void> {
    await this.#namespace.client.delete(this.#ref('services', jobPrefix('PretrainJob', name)))
  }

  async #randomPod(job: string): Promise<string | undefined> {
    const pods = (await this.#namespace.pods()) as (KubeObject & { status?: { phase?: string } })[]
    const alive = pods.filter(({ metadata, status }) => status?.phase === 'Running' && !metadata.deletionTimestamp)
    const names = alive.filter(({ metadata }) => metadata.labels?.[LABELS.jobName] === job)
    return names[this.#random.int(Math.max(1, names.length))]?.metadata.name
  }

  #randomCount(): number {
    return 1 + this.#random.int(MAX_WORKERS)
  }

  #job(name: string) {
    return { ...this.#ref(PLURALS.PretrainJob, name), apiVersion: API_VERSION }
  }

  #ref(plural: string, name: string) {
    return { apiVersion: 'v1', plural, namespace: this.#namespace.name, name }
  }
}
