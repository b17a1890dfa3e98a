/** The CRDs of the Prometheus operator, which its module does not hold: controller-gen writes them from its Go types. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readStamp, writeStamp } from './build.ts'
import { exec } from './exec.ts'
import { withLock } from './lock.ts'
import { manifestFile } from './manifests.ts'
import { moduleHash, versionOf } from './modules.ts'
import { MANIFESTS, MODULES } from './paths.ts'
import { ensureGo } from './prerequisites.ts'
import { step } from './say.ts'

const FOLDER = 'prometheus-operator'
const MODULE = 'github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring'
/** The kinds that our chart creates; the others would only make the API server slower. */
const PLURALS = ['servicemonitors', 'podmonitors', 'prometheusrules']

/** Takes two minutes once; afterwards the file is in the cache. @returns its path */
export function ensureMonitoringCrds(signal?: AbortSignal): Promise<string> {
  return withLock(async () => {
    const stamp = JSON.stringify([moduleHash(FOLDER), MODULE, PLURALS])
    const file = manifestFile(FOLDER)
    if (readStamp(FOLDER, 'crds.yaml') === stamp) return file
    await ensureGo(signal)
    await step(`generating CRDs of the Prometheus operator ${versionOf(FOLDER, MODULE)}`, () => generate(file, signal))
    writeStamp(FOLDER, 'crds.yaml', stamp)
    return file
  }, signal)
}

async function generate(file: string, signal?: AbortSignal): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'downpour-crds-'))
  try {
    const args = ['crd:crdVersions=v1', `paths=${MODULE}/v1`, `output:crd:dir=${folder}`]
    const options = { cwd: join(MODULES, FOLDER), env: { GOWORK: 'off' }, signal }
    await exec('go', ['tool', 'controller-gen', ...args], options)
    const texts = PLURALS.map((plural) => readFileSync(join(folder, `monitoring.coreos.com_${plural}.yaml`), 'utf8'))
    mkdirSync(MANIFESTS, { recursive: true })
    writeFileSync(file, texts.join('\n---\n'))
  } finally {
    rmSync(folder, { recursive: true })
  }
}
