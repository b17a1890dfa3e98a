/** Waits for the right moment to kill a process of a run, and kills it. */
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import type { JobKind } from '../../src/contract/names.ts'
import { eventually } from '../support/eventually.ts'
import type { LocalRun } from '../support/local-run.ts'

export async function untilStep(
  run: LocalRun,
  { kind, name }: { kind: JobKind; name: string },
  step: number,
  timeoutMs: number,
): Promise<void> {
  await eventually(
    async () => {
      const { status } = await run.job(kind, name)
      assert.ok((status?.progress?.step ?? 0) >= step, `step ${status?.progress?.step}; ${run.output()}`)
    },
    { timeoutMs, intervalMs: 100 },
  )
}

export function kill(pid: number | undefined): void {
  assert.ok(pid !== undefined && existsSync(`/proc/${pid}`), 'no such process')
  process.kill(pid, 'SIGKILL')
}
