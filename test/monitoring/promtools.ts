/**
 * The promtools that must agree about our rules: Debian's 2.42, and that of Prometheus 3, whose ranges leave out their left
 * edge. It takes minutes to build, so that tests use it if it is there, or build it if DOWNPOUR_PROMTOOL3=build asks for it.
 */
import { promtool3 } from '../../tools/cluster/binaries.ts'
import { build, isBuilt } from '../../tools/cluster/build.ts'
import { withLock } from '../../tools/cluster/lock.ts'
import { ensureCommand } from '../../tools/cluster/prerequisites.ts'

export interface Promtool {
  readonly name: string
  readonly file: string
  /** For `test(name, { skip }, …)`. */
  readonly skip: string | false
}

const newer = promtool3()
if (process.env.DOWNPOUR_PROMTOOL3 === 'build') await withLock(() => build([newer]))
const HOW = 'it is not built: DOWNPOUR_PROMTOOL3=build npm run test:monitoring builds it in 7 minutes'

export const PROMTOOLS: readonly Promtool[] = [
  { name: 'promtool of the machine', file: await ensureCommand('promtool'), skip: false },
  { name: `promtool ${newer.version}`, file: newer.file, skip: isBuilt(newer) ? false : HOW },
]
