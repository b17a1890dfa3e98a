/** A local run with Prometheus and Alertmanager, whose alerts are scaled from minutes to seconds by the values of the rules. */
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { ALERTS } from '../../tools/monitoring/alerts.ts'
import { type AlertValues, DEFAULTS, plainRules } from '../../tools/monitoring/rule-files.ts'
import { eventually } from '../support/eventually.ts'
import { type LocalRun, startLocalRun } from '../support/local-run.ts'
import { type Alertmanager, startAlertmanager } from './alertmanager.ts'
import { type Prometheus, startPrometheus } from './prometheus.ts'

const STARTS_WITHIN_MS = 60_000
const ENDS_WITHIN_MS = 60_000
const SCALED = { ...DEFAULTS, window: '10s', graceSeconds: 5 }

/** Thresholds that a small job on two cores reaches within seconds; the others keep their defaults. */
const OWN: Readonly<Record<string, Partial<AlertValues>>> = {
  // A killed operator is back within some seconds.
  DownpourOperatorDown: { for: '15s' },
  DownpourQueueStuck: { threshold: 4 },
  // Bookmarks arrive every 20 seconds.
  DownpourWatchSilent: { threshold: 30 },
  DownpourParameterServerDown: { for: '5s' },
  // A replaced worker is ready within some seconds.
  DownpourWorkersMissing: { for: '10s' },
  DownpourWorkerSlow: { for: '10s' },
  DownpourPodsRestarting: { threshold: 1.5, window: '30s' },
  // The steps of the small job are so short that its workers often wait for data.
  DownpourDataWaitHigh: { threshold: 0.85 },
  DownpourPushSlow: { threshold: 0.1 },
  DownpourCheckpointFailing: { window: '10s' },
  DownpourCheckpointTooOld: { threshold: 20 },
}

export interface WatchedRun {
  readonly run: LocalRun
  readonly prometheus: Prometheus
  readonly alertmanager: Alertmanager
  stop(): Promise<void>
}

/** @param folder for the data of Prometheus and Alertmanager */
export async function startWatchedRun(
  files: readonly string[],
  stateDir: string,
  folder: string,
  flags: readonly string[] = [],
): Promise<WatchedRun> {
  const alertmanager = await startAlertmanager(folder)
  const run = startLocalRun(files, stateDir, flags)
  const configuration = join(stateDir, 'prometheus.yml')
  await eventually(() => assert.ok(existsSync(configuration), run.output()), { timeoutMs: STARTS_WITHIN_MS })
  const prometheus = await startPrometheus(configuration, folder, scaledRules(), {
    alertmanager: alertmanager.address,
  })
  return {
    run,
    prometheus,
    alertmanager,
    async stop() {
      if (run.child.exitCode === null) run.child.kill('SIGTERM')
      await run.ended(ENDS_WITHIN_MS)
      await prometheus.stop()
      await alertmanager.stop()
    },
  }
}

function scaledRules(): string {
  const values = ALERTS.map(({ name, keepFiringFor }) => [
    name,
    { for: '3s', ...(keepFiringFor && { keepFiringFor: '2s' }), ...OWN[name] },
  ])
  return plainRules(SCALED, Object.fromEntries(values))
}
