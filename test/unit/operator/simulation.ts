/** Simulates a cluster: applies the actions of `decide`, one write at a time, and can stop after any of them. */
import assert from 'node:assert/strict'
import type { Job } from '../../../src/api/job.ts'
import { podName } from '../../../src/contract/names.ts'
import type { Action, Decision, PodOrder } from '../../../src/operator/actions.ts'
import { decide } from '../../../src/operator/decide.ts'
import type { PodFacts } from '../../../src/operator/observed.ts'
import { NOW, observed, pending, pod, pretrainJob, UID } from './builders.ts'

export const DESIRED = { ps: 2, worker: 3, evaluator: 1 }

export class Simulation {
  job: Job
  nowMs = NOW
  readonly pods = new Map<string, PodFacts>()
  hasService = false
  /** Pods created, by order of creation. */
  readonly created: string[] = []
  deleted = 0
  #uids = 0

  constructor(job: Job = pretrainJob({ spec: { backoffLimit: 1000 } })) {
    this.job = job
  }

  decide(): Decision {
    const service = this.hasService ? { ownerUid: UID, deleting: false } : undefined
    return decide(this.job, observed([...this.pods.values()], { desired: DESIRED, service }), this.nowMs)
  }

  /** Runs one reconcile, which stops after `crashAfter` writes, as if the operator died. @returns the number of writes */
  reconcile(crashAfter = Number.POSITIVE_INFINITY): number {
    const { actions, status } = this.decide()
    this.#checkNames(actions)
    const writes = actions.flatMap((action) => this.#writesOf(action))
    if (JSON.stringify(status) !== JSON.stringify(this.job.status)) writes.push(() => this.#write(status))
    const done = writes.slice(0, crashAfter)
    for (const write of done) write()
    return done.length
  }

  /** Reconciles and runs the kubelet until nothing changes any more. */
  settle(): void {
    for (let round = 0; round < 200; round++) {
      this.kubelet()
      this.nowMs += 10 * 60_000
      if (this.reconcile() === 0 && !this.kubelet()) return
    }
    assert.fail(`does not settle: ${JSON.stringify(this.decide())}`)
  }

  /** Starts pending pods and removes pods that are being deleted. @returns whether any pod changed */
  kubelet(): boolean {
    let isBusy = false
    for (const one of [...this.pods.values()]) {
      if (one.deleting) this.pods.delete(one.name)
      else if (one.outlived && one.isEnding) this.pods.set(one.name, { ...one, outlived: false, othersRun: false })
      else if (one.phase === 'Pending') {
        this.pods.set(one.name, { ...one, phase: 'Running', ready: true, startedAtMs: this.nowMs })
      } else continue
      isBusy = true
    }
    return isBusy
  }

  change(name: string, facts: Partial<PodFacts>): void {
    const one = this.pods.get(name)
    if (one) this.pods.set(name, { ...one, ...facts })
  }

  #checkNames(actions: readonly Action[]): void {
    const names = actions.flatMap((action) => ('role' in action ? [this.#nameOf(action)] : []))
    assert.equal(new Set(names).size, names.length, `a name is created twice: ${names}`)
  }

  #writesOf(action: Action): (() => void)[] {
    switch (action.type) {
      case 'createService':
        return [() => (this.hasService = true)]
      case 'createPod':
        return [() => this.#create(action)]
      case 'endPod':
        return [() => this.#end(action.name)]
      case 'deletePod':
        return [() => this.#delete(action.uid)]
      case 'replacePod':
        return [() => this.#delete(action.uid), () => this.#create(action)]
      default:
        return assert.fail(`unexpected: ${action.type}`)
    }
  }

  #create(order: PodOrder): void {
    const name = this.#nameOf(order)
    assert.ok(!this.pods.has(name), `${name} is created while it exists`)
    const { role, index, ...rest } = order
    const uid = `uid-${++this.#uids}`
    this.pods.set(name, pending(role, index, { ...rest, uid, createdAtMs: this.nowMs }))
    this.created.push(name)
  }

  #end(name: string): void {
    const one = this.pods.get(name)
    assert.ok(one?.othersRun && !one.isEnding, `${name} has no other containers to end`)
    this.pods.set(name, { ...one, isEnding: true })
  }

  #delete(uid: string): void {
    const one = [...this.pods.values()].find((other) => other.uid === uid)
    assert.ok(one, `${uid} is deleted, but does not exist`)
    assert.equal(one.ownerUid, UID, 'a pod of another owner is deleted')
    assert.ok(!one.deleting, `${one.name} is deleted twice`)
    this.deleted++
    // The API server removes a pod that has ended at once, and a running pod after its grace period.
    const hasEnded = one.phase === 'Failed' || one.phase === 'Succeeded'
    if (hasEnded && !one.outlived) this.pods.delete(one.name)
    else this.pods.set(one.name, { ...one, deleting: true })
  }

  #write(status: Decision['status']): void {
    const before = this.job.status
    if (before) {
      assert.ok(status.restarts.counted >= before.restarts.counted, 'failures are never forgotten')
      assert.ok(status.restarts.total >= before.restarts.total, 'restarts are never forgotten')
      assert.ok(status.psGeneration >= before.psGeneration, 'generations only rise')
    }
    this.job = { ...this.job, status } as Job
  }

  #nameOf({ role, index }: PodOrder): string {
    return podName('PretrainJob', 'jft', role, index)
  }
}

export const podOfAnotherOwner = (name: string): PodFacts => ({
  ...pod('ps', 0),
  name,
  uid: `foreign-${name}`,
  ownerUid: 'other',
})
