/** Options of a ParameterServer that keeps its checkpoints in a folder. */
import { join } from 'node:path'
import { realFileSystem } from '../../src/checkpoint/file-system.ts'
import type { RuntimeConfig } from '../../src/contract/runtime.ts'
import { createPsMetrics } from '../../src/metrics/ps.ts'
import type { ParameterServerOptions } from '../../src/ps/parameter-server.ts'
import { systemClock } from '../../src/support/clock.ts'
import { silentLog } from '../../src/support/log.ts'

export function serverOptions(config: RuntimeConfig, index: number, folder: string): ParameterServerOptions {
  return {
    config,
    index,
    podUid: `ps-${index}`,
    attempt: 0,
    checkpointDir: folder,
    sourceDir: '/nowhere',
    historyFile: join(folder, 'history.jsonl'),
    hostsFile: undefined,
    clock: systemClock,
    fs: realFileSystem,
    log: silentLog,
    metrics: createPsMetrics(),
  }
}
