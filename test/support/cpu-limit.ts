/** A limit on the CPU time of a process, as a container has it. Only root can set one. */
import { existsSync, mkdirSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const PERIOD_MICROSECONDS = 200_000
const V1 = '/sys/fs/cgroup/cpu'
const V2 = '/sys/fs/cgroup'

/** @param share of one core, in each period. @returns what removes the limit */
export function limitCpu(pid: number, share: number, periodMicroseconds = PERIOD_MICROSECONDS): () => void {
  const quota = Math.round(periodMicroseconds * share)
  const root = existsSync(V1) ? V1 : V2
  const group = join(root, `downpour-test-${pid}`)
  if (root === V2) writeFileSync(join(root, 'cgroup.subtree_control'), '+cpu')
  mkdirSync(group)
  const settings =
    root === V1
      ? { 'cpu.cfs_period_us': periodMicroseconds, 'cpu.cfs_quota_us': quota }
      : { 'cpu.max': `${quota} ${periodMicroseconds}` }
  for (const [name, value] of Object.entries(settings)) writeFileSync(join(group, name), String(value))
  writeFileSync(join(group, 'cgroup.procs'), String(pid))
  return () => {
    // A process that ended meanwhile left the group by itself.
    if (existsSync(`/proc/${pid}`)) writeFileSync(join(root, 'cgroup.procs'), String(pid))
    rmdirSync(group)
  }
}
