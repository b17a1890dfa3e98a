/** Builds pods and statuses as kubelets write them for pods into which webhooks have injected containers. */
import { readFileSync } from 'node:fs'
import { LABELS, podName, type Role } from '../../../src/contract/names.ts'
import { podFacts } from '../../../src/operator/pod-facts.ts'
import { type ContainerState, type ContainerStatus, type RawPod, trimPod } from '../../../src/operator/raw-pod.ts'
import { isoAgo, UID } from './builders.ts'

export type Status = NonNullable<RawPod['status']>

const fixture = (name: string): Status =>
  JSON.parse(readFileSync(new URL(`fixtures/${name}`, import.meta.url), 'utf8')).status

export const SIDECAR_FIRST = fixture('sidecar-status.json')
export const INIT_FAILED = fixture('init-failed-status.json')

export const running: ContainerState = { running: { startedAt: isoAgo(50) } }
export const waiting = (reason: string, message?: string): ContainerState => ({ waiting: { reason, message } })
export const ended = (exitCode: number, message?: string): ContainerState => ({
  terminated: {
    exitCode,
    reason: exitCode === 0 ? 'Completed' : 'Error',
    message,
    startedAt: isoAgo(50),
    finishedAt: isoAgo(20),
  },
})
export const container = (name: string, state: ContainerState, more: Partial<ContainerStatus> = {}) => ({
  name,
  ready: state.running !== undefined,
  state,
  ...more,
})

export const badData = ended(11, JSON.stringify({ code: 'BAD_DATA', message: 'x.tfrecord at byte 0' }))

/** Includes fields that the API server sends and the operator does not read. */
export function rawPod(role: Role, index: number, status: Status, more: Partial<RawPod> = {}): RawPod {
  return {
    spec: { nodeName: 'node-1', containers: [{ name: 'istio-proxy' }, { name: role }] },
    status: { startTime: isoAgo(60), podIP: '10.0.0.1', ...status },
    ...more,
    metadata: {
      name: podName('PretrainJob', 'jft', role, index),
      namespace: 'team',
      uid: `uid-${role}-${index}`,
      labels: { [LABELS.role]: role, [LABELS.index]: String(index) },
      annotations: { 'downpour.dev/plan-hash': 'plan-1' },
      ownerReferences: [{ apiVersion: 'x', kind: 'PretrainJob', name: 'jft', uid: UID, controller: true }],
      creationTimestamp: isoAgo(60),
      ...more.metadata,
    },
  }
}

/** @returns the facts that the policies read, after the trim that the watch applies */
export function factsOf(role: Role, index: number, status: Status, more: Partial<RawPod> = {}) {
  const facts = podFacts(trimPod(rawPod(role, index, status, more)))
  if (!facts) throw new Error(`${role}-${index} is not a pod of a job`)
  return facts
}
