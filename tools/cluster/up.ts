/** Brings the cluster to the wanted state from any other: not built, stopped, partly dead, or already running. */
import { mkdirSync, rmSync, symlinkSync } from 'node:fs'
import { helm, trainingOperator } from './binaries.ts'
import { build } from './build.ts'
import { ensureCertificates, REAL_NODE } from './certificates.ts'
import * as plane from './control-plane.ts'
import { ensureFakeNodes } from './fake-nodes.ts'
import { ensureKubectl, type Kubectl, kubectlAt } from './kubectl.ts'
import { prepareKwok } from './kwok.ts'
import { withLock } from './lock.ts'
import { ensureAdapterCrds, ensureManifest, KWOK_STAGES } from './manifests.ts'
import { BIN, CACHE, CLONE_BIN, KUBECONFIG } from './paths.ts'
import { type Component, ensureRunning, stop } from './processes.ts'
import { prepareRealNode, realNodeBinaries, startRealNode } from './real-node.ts'
import { stopRealNode } from './real-node-down.ts'
import { ensureVolumes, removeVolumes } from './real-node-volumes.ts'
import { say, seconds } from './say.ts'
import {
  type ClusterOptions,
  type ClusterShape,
  type ClusterState,
  choosePorts,
  readState,
  shapeOf,
  writeState,
} from './state.ts'
import { startTrainingOperator, TRAINING_OPERATOR } from './training-operator.ts'

export interface Cluster {
  /** Path of the administrator's kubeconfig. */
  readonly kubeconfig: string
  readonly kubectl: string
  readonly helm: string
  /** Folder of the built programs. */
  readonly bin: string
}

export function up(options: ClusterOptions, signal?: AbortSignal): Promise<Cluster> {
  return withLock(async () => {
    const started = performance.now()
    const shape = shapeOf(options, readState())
    await build(plane.controlPlaneBinaries(shape.minor), signal)
    await ensureManifest(KWOK_STAGES, signal)
    const kubectl = await ensureKubectl(shape.minor, signal)
    await ensureCertificates(signal)
    if (shape.realNode) await build(realNodeBinaries(shape.minor), signal)
    const state = await saveState(shape)
    const changed = await ensureComponents(state, kubectlAt(kubectl, signal), signal)
    await build([helm()], signal)
    linkBinaries()
    await ensureAdapterCrds(signal)
    await ensureTrainingOperator(state, kubectlAt(kubectl, signal), signal)
    say(changed ? `up after ${seconds(started)} s` : 'already up')
    return { kubeconfig: KUBECONFIG, kubectl, helm: helm().file, bin: BIN }
  }, signal)
}

/** Links the shared folder of built programs into this clone. */
function linkBinaries(): void {
  mkdirSync(CACHE, { recursive: true })
  rmSync(CLONE_BIN, { recursive: true, force: true })
  symlinkSync(BIN, CLONE_BIN)
}

async function saveState(shape: ClusterShape): Promise<ClusterState> {
  const ports = await choosePorts(readState()?.ports)
  const state = { ...shape, ports }
  writeState(state)
  plane.writeKubeconfigs(state)
  return state
}

/** @returns whether anything had to be started or changed */
async function ensureComponents(state: ClusterState, kubectl: Kubectl, signal?: AbortSignal): Promise<boolean> {
  const started: boolean[] = []
  const ensure = async (component: Component) => {
    const outcome = await startStep(component, signal)
    started.push(outcome === 'started')
    return outcome
  }
  if (state.realNode) await prepareRealNode(state, signal)
  const isNodeRemoved = !state.realNode && (await stopRealNode())
  await ensure(plane.etcd(state))
  await ensure(plane.apiServer(state))
  await ensure(plane.controllerManager(state))
  await ensure(plane.scheduler(state))
  await ensure({ ...plane.kwok(state), beforeStart: () => prepareKwok(kubectl) })
  if (state.realNode) await startRealNode(state, kubectl, ensure, signal)
  if (state.realNode) await ensureVolumes(kubectl)
  if (isNodeRemoved) {
    await kubectl(['delete', 'node', REAL_NODE, '--ignore-not-found'])
    await removeVolumes(kubectl)
  }
  const nodes = await ensureFakeNodes(kubectl, state)
  if (nodes) say(`fake nodes: ${nodes}`)
  return started.includes(true) || nodes !== undefined
}

async function ensureTrainingOperator(state: ClusterState, kubectl: Kubectl, signal?: AbortSignal): Promise<void> {
  if (!state.trainingOperator) {
    await stop(TRAINING_OPERATOR)
    return
  }
  await build([trainingOperator()], signal)
  await startTrainingOperator(state, kubectl, (component) => startStep(component, signal), signal)
}

/** Reports the component only if it had to be started. */
async function startStep(component: Component, signal?: AbortSignal): Promise<'running' | 'started'> {
  const started = performance.now()
  const outcome = await ensureRunning(component, signal)
  if (outcome === 'started') say(`started ${component.name} ... ${seconds(started)} s`)
  return outcome
}
