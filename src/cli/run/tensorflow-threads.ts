/**
 * Threads of native TensorFlow in the pods of a local run. By itself it starts one for each core in each pod, and pods that
 * compute side by side then wait for each other: the demonstration took a third longer.
 */
import { parseJob } from '../../api/parse.ts'

/**
 * @param jobs manifests that are valid
 * @param parallelJobs how many of them train at the same time
 * @returns an equal share of the cores for each pod that computes, at least one
 */
export function tensorflowThreads(jobs: readonly unknown[], parallelJobs: number, cores: number): number {
  const workers = jobs.map((job) => parseJob(job).spec.workers.replicas)
  const pods = Math.max(1, Math.min(parallelJobs, jobs.length), ...workers)
  return Math.max(1, Math.floor(cores / pods))
}
