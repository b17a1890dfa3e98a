/** Runs manifests with `downpour run`, as a user would. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { dump } from 'js-yaml'
import type { Job } from '../src/api/job.ts'
import { ANNOTATIONS } from '../src/contract/names.ts'

export type Manifest = Readonly<Record<string, unknown>>

export function claim(name: string, annotations: Readonly<Record<string, string>> = {}): Manifest {
  const spec = { accessModes: ['ReadWriteMany'], resources: { requests: { storage: '1Gi' } } }
  return { apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name, annotations }, spec }
}

export function claimAt(name: string, folder: string): Manifest {
  return claim(name, { [ANNOTATIONS.localPath]: folder })
}

/** A claim with data that the run generates, unless it is there. */
export function claimOfData(kind: string, { stateDir, seed }: { stateDir: string; seed: number }): Manifest {
  return claim(kind, {
    [ANNOTATIONS.localPath]: join(stateDir, 'data', kind),
    [ANNOTATIONS.localMake]: `${kind} seed=${seed}`,
  })
}

export function yamlOf(manifests: readonly Manifest[]): string {
  return manifests.map((manifest) => dump(manifest)).join('---\n')
}

/**
 * @param name of the file in the state folder
 * @param flags of `downpour run`
 * @returns the jobs after their end. Those that have ended in an earlier run of the same folder do not run again.
 */
export async function runJobs(stateDir: string, name: string, yaml: string, flags: string[] = []): Promise<Job[]> {
  await mkdir(stateDir, { recursive: true })
  const file = join(stateDir, name)
  await writeFile(file, yaml)
  const child = spawn(process.execPath, ['bin/downpour', 'run', file, '--state-dir', stateDir, ...flags], {
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  const [code, signal] = await once(child, 'exit')
  if (code !== 0) throw new Error(`downpour run ${file} ended with ${signal ?? code}; its logs are in ${stateDir}`)
  return JSON.parse(await readFile(join(stateDir, 'results.json'), 'utf8')) as Job[]
}

/** @throws Error: the job has no such metric */
export function metricOf(jobs: readonly Job[], name: string, metric: string): number {
  const job = jobs.find(({ metadata }) => metadata.name === name)
  const value = job?.status?.results?.metrics[metric]
  if (value === undefined) throw new Error(`${name}: no ${metric} in results.json`)
  return value
}
