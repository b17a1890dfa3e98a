/** Jobs that people make, scale, suspend and delete at random, and pods that die under them. */
import { API_VERSION, jobPrefix, LABELS, PLURALS, ROLES } from '../../src/contract/names.ts'
import { isNotFound } from '../../src/kube/errors.ts'
import type { KubeObject } from '../../src/kube/objects.ts'
import type { Random } from '../../src/support/random.ts'
import type { Wish } from './census.ts'
import type { TestNamespace } from './fixture.ts'

const NAMES = 10
const MAX_WORKERS = 4
/** The back-off doubles with each failure of a place: more of them would be minutes of waiting in the end. */
const MAX_FAILURES = 3

export class Population {
  /** What must be there in the end. */
  readonly wishes = new Map<string, Wish>()
  /** How often each kind of change was made. */
  readonly acts: Record<string, number> = {}
  readonly #namespace: TestNamespace
  readonly #random: Random
  readonly #failures = new Map<string, number>()

  constructor(namespace: TestNamespace, random: Random) {
    this.#namespace = namespace
    this.#random = random
  }

  /** One change of one job, or of something that it owns. */
  async act(): Promise<void> {
    const name = `job-${this.#random.int(NAMES)}`
    const wish = this.wishes.get(name)
    const [what, run] = wish ? this.#choose(name, wish) : (['create', () => this.#create(name)] as const)
    this.acts[what] = (this.acts[what] ?? 0) + 1
    await run()
  }

  #choose(name: string, wish: Wish): readonly [string, () => Promise<void>] {
    const acts = [
      ['scale', () => this.#change(name, { ...wish, workers: this.#anyCount() })],
      ['suspend or resume', () => this.#change(name, { ...wish, suspend: !wish.suspend })],
      ['delete', () => this.#delete(name)],
      ['delete and make again', () => this.#delete(name).then(() => this.#create(name))],
      ['delete a pod', () => this.#deletePod(name)],
      ['fail a pod', () => this.#failPod(name)],
      ['delete the service', () => this.#deleteService(name)],
    ] as const
    return acts[this.#random.int(acts.length)] as (typeof acts)[number]
  }

  async #create(name: string): Promise<void> {
    const workers = this.#anyCount()
    await this.#namespace.createJob(name, workers)
    this.wishes.set(name, { workers, suspend: false })
  }

  async #change(name: string, wish: Wish): Promise<void> {
    const spec = { workers: { replicas: wish.workers }, suspend: wish.suspend }
    await this.#namespace.client.mergePatch(this.#job(name), { spec })
    this.wishes.set(name, wish)
  }

  async #delete(name: string): Promise<void> {
    await this.#namespace.client.delete(this.#job(name), { propagationPolicy: 'Background' })
    this.wishes.delete(name)
    this.#failures.delete(name)
  }

  async #deletePod(name: string): Promise<void> {
    const pod = await this.#anyPod(name)
    if (pod) await this.#namespace.client.delete(this.#ref('pods', pod))
  }

  async #failPod(name: string): Promise<void> {
    const failures = this.#failures.get(name) ?? 0
    const pod = failures < MAX_FAILURES ? await this.#anyPod(name) : undefined
    if (!pod) return
    this.#failures.set(name, failures + 1)
    const state = { terminated: { exitCode: 137, reason: 'OOMKilled', finishedAt: new Date().toISOString() } }
    const role = ROLES.find((one) => pod.includes(`-${one}-`)) ?? 'main'
    const status = { phase: 'Failed', containerStatuses: [{ name: role, state }] }
    const ref = { ...this.#ref('pods', pod), subresource: 'status' } as const
    await this.#namespace.client.mergePatch(ref, { status }).catch((error: unknown) => {
      // Gone since we looked: it need not die twice.
      if (!isNotFound(error)) throw error
    })
  }

  async #deleteService(name: string): Promise<void> {
    await this.#namespace.client.delete(this.#ref('services', jobPrefix('PretrainJob', name)))
  }

  async #anyPod(job: string): Promise<string | undefined> {
    const pods = (await this.#namespace.pods()) as (KubeObject & { status?: { phase?: string } })[]
    const alive = pods.filter(({ metadata, status }) => status?.phase === 'Running' && !metadata.deletionTimestamp)
    const names = alive.filter(({ metadata }) => metadata.labels?.[LABELS.jobName] === job)
    return names[this.#random.int(Math.max(1, names.length))]?.metadata.name
  }

  #anyCount(): number {
    return 1 + this.#random.int(MAX_WORKERS)
  }

  #job(name: string) {
    return { ...this.#ref(PLURALS.PretrainJob, name), apiVersion: API_VERSION }
  }

  #ref(plural: string, name: string) {
    return { apiVersion: 'v1', plural, namespace: this.#namespace.name, name }
  }
}
