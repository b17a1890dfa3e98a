/** For each alert, a real cause in a local run. */
import assert from 'node:assert/strict'
import { rmSync, writeFileSync } from 'node:fs'
import { API_VERSION, PLURALS } from '../../src/contract/names.ts'
import { JOB_LEVEL } from '../../tools/monitoring/expressions.ts'
import { kill } from '../faults/disturb.ts'
import { limitCpu } from '../support/cpu-limit.ts'
import type { SmallDisk } from '../support/small-disk.ts'
import { killed, slowed, slowLoader, stopped } from './disturbances.ts'
import type { WatchedRun } from './watched-run.ts'

/** The job that is disturbed. */
export const JOB = 'watched'
/** A suspended job whose learning rate makes all gradients infinite. */
export const NAN_JOB = 'diverging'
export const WORKERS = 3

export interface Place extends WatchedRun {
  readonly disk: SmallDisk
  /** While this file exists, reconciles fail: planted-bug.ts. */
  readonly bug: string
}

export interface Cause {
  readonly cause: string
  /** Alerts that it must raise; those of jobs with the name of the job. */
  readonly fires: readonly string[]
  /** Alerts that it may raise as well. */
  readonly mayFire?: readonly string[]
  readonly job?: string
  /** Begins the disturbance. @returns what ends it */
  begin(place: Place): Promise<() => Promise<void> | void>
  /** Checks what holds while the alerts fire. */
  meanwhile?(place: Place): Promise<void>
}

const workerPids = ({ run }: WatchedRun) => Array.from({ length: WORKERS }, (_, index) => run.podPid('worker', index))

export const CAUSES: readonly Cause[] = [
  {
    cause: 'a parameter server that hangs',
    fires: ['DownpourParameterServerDown'],
    begin: ({ run }) => stopped([run.podPid('ps', 0)]),
  },
  {
    cause: 'workers that all hang',
    fires: ['DownpourTrainingStalled'],
    mayFire: ['DownpourCheckpointTooOld'],
    begin: (watched) => stopped(workerPids(watched)),
  },
  {
    cause: 'a worker that hangs',
    fires: ['DownpourWorkerSlow'],
    begin: ({ run }) => stopped([run.podPid('worker', 1)]),
  },
  {
    cause: 'a worker that is often interrupted',
    fires: ['DownpourStalenessHigh'],
    mayFire: ['DownpourWorkerSlow'],
    begin: async ({ run }) => slowed(run.podPid('worker', 1), 700, 100),
  },
  {
    cause: 'a parameter server whose CPU limit is far too low',
    fires: ['DownpourPushSlow'],
    mayFire: ['DownpourParameterServerDown', 'DownpourCheckpointTooOld'],
    begin: async ({ run }) => limitCpu(run.podPid('ps', 0) ?? assert.fail('no parameter server'), 0.02),
  },
  {
    cause: 'a loader of data that hardly runs',
    fires: ['DownpourDataWaitHigh'],
    mayFire: ['DownpourCheckpointTooOld', 'DownpourWorkerSlow'],
    begin: async (watched) => {
      const ends = workerPids(watched).map((pid) => slowLoader(pid, 3))
      return () => {
        for (const end of ends) end()
      }
    },
  },
  {
    cause: 'a worker that is killed whenever it starts',
    fires: ['DownpourPodsRestarting', 'DownpourWorkersMissing'],
    mayFire: ['DownpourWorkerSlow', 'DownpourCheckpointTooOld'],
    begin: async ({ run }) => killed(() => run.podPid('worker', 1)),
  },
  {
    cause: 'a job that diverges',
    fires: ['DownpourNonFiniteGradients'],
    mayFire: ['DownpourTrainingStalled'],
    job: NAN_JOB,
    begin: async ({ run }) => {
      const client = await run.client()
      const ref = { apiVersion: API_VERSION, plural: PLURALS.PretrainJob, namespace: 'default', name: NAN_JOB }
      await client.mergePatch(ref, { spec: { suspend: false } })
      return async () => void (await client.delete(ref))
    },
  },
  {
    cause: 'a full disk',
    fires: ['DownpourCheckpointFailing', 'DownpourCheckpointTooOld', 'DownpourReconcileErrors'],
    mayFire: ['DownpourWorkersMissing', 'DownpourWorkerSlow'],
    begin: async ({ disk, run }) => {
      disk.fill()
      // A saved checkpoint makes room by deleting an older one.
      const timer = setInterval(disk.fill, 100)
      // The API server cannot store its successor.
      kill(run.podPid('worker', 1))
      return () => {
        clearInterval(timer)
        disk.free()
      }
    },
  },
  {
    cause: 'an operator that hangs',
    fires: ['DownpourOperatorDown'],
    begin: ({ run }) => stopped([run.operatorPid()]),
    meanwhile: async ({ prometheus }) => {
      assert.deepEqual(await prometheus.query('downpour_job_phase'), [], 'only the operator knows phases')
      const pushes = await prometheus.query(`${JOB_LEVEL}:downpour_ps_pushes_applied:rate{job_name="${JOB}"} > 0`)
      assert.equal(pushes.length, 1, 'the parameter server shows that training goes on')
    },
  },
  {
    cause: 'a bug of the operator',
    fires: ['DownpourReconcilePanics'],
    mayFire: ['DownpourReconcileErrors'],
    begin: async ({ bug }) => {
      writeFileSync(bug, '')
      return () => rmSync(bug)
    },
  },
  {
    cause: 'an API server that hangs',
    fires: ['DownpourQueueStuck', 'DownpourWatchSilent'],
    mayFire: ['DownpourCheckpointTooOld', 'DownpourReconcileErrors'],
    begin: ({ run }) => stopped([run.child.pid]),
  },
]
