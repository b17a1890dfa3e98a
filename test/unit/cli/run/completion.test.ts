import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { Job } from '../../../../src/api/job.ts'
import type { JobStatus } from '../../../../src/api/status.ts'
import { completionOf } from '../../../../src/cli/run/completion.ts'
import { ANNOTATIONS } from '../../../../src/contract/names.ts'
import { finetune, pretrain, transfer } from '../../../support/job-cases.ts'
import { jobOf } from '../../plan/jobs.ts'

type Facts = Partial<JobStatus> & { made?: string }

/** A PretrainJob that creates `jft-imagenet` on success and `jft-imagenet-5` at step 5. */
function source({ made, ...status }: Facts): Job {
  const job = jobOf(pretrain({ transfers: [transfer({ at: { success: true, steps: [5] } })] }), status)
  const annotations = made === undefined ? {} : { [ANNOTATIONS.transfersMade]: made }
  return { ...job, metadata: { ...job.metadata, annotations } }
}
const child = (name: string, phase: JobStatus['phase']) => jobOf(finetune({}, name), { phase })
const checkpoint = (step: number) => ({ step, digest: 'd', path: 'p', savedAt: '', final: false })
const SAVED = { checkpoints: [checkpoint(5)] }

suite('a run is over', () => {
  test('when its jobs and all FinetuneJobs that they create have ended', () => {
    const jobs = [
      source({ phase: 'Succeeded', ...SAVED }),
      child('jft-imagenet', 'Succeeded'),
      child('jft-imagenet-5', 'Failed'),
    ]
    assert.deepEqual(completionOf(jobs), { isOver: true, notes: [] })
  })

  test('not while a job, or a FinetuneJob that one has created, is unfinished', () => {
    assert.equal(completionOf([source({ phase: 'Running' })]).isOver, false)
    assert.equal(completionOf([jobOf(pretrain())]).isOver, false)
    const jobs = [
      source({ phase: 'Succeeded', ...SAVED }),
      child('jft-imagenet', 'Running'),
      child('jft-imagenet-5', 'Failed'),
    ]
    assert.equal(completionOf(jobs).isOver, false)
  })

  test('not while a FinetuneJob will be created', () => {
    const jobs = [source({ phase: 'Succeeded', ...SAVED }), child('jft-imagenet-5', 'Succeeded')]
    assert.deepEqual(completionOf(jobs), { isOver: false, notes: [] })
    assert.equal(
      completionOf([source({ phase: 'Failed', ...SAVED })]).isOver,
      false,
      'step 5 was saved before it failed',
    )
  })

  test('when a FinetuneJob that was created has been deleted', () => {
    const jobs = [source({ phase: 'Succeeded', ...SAVED, made: 'jft-imagenet,jft-imagenet-5' })]
    assert.deepEqual(completionOf(jobs), {
      isOver: true,
      notes: [
        'the run does not wait for FinetuneJob/jft-imagenet-5: PretrainJob/jft created it, and it was deleted',
        'the run does not wait for FinetuneJob/jft-imagenet: PretrainJob/jft created it, and it was deleted',
      ],
    })
  })

  test('when the step that a FinetuneJob starts from was never saved, or its PretrainJob failed', () => {
    assert.deepEqual(completionOf([source({ phase: 'Failed' })]), {
      isOver: true,
      notes: [
        'the run does not wait for FinetuneJob/jft-imagenet-5: PretrainJob/jft ended without a checkpoint of step 5',
        'the run does not wait for FinetuneJob/jft-imagenet: PretrainJob/jft has not succeeded',
      ],
    })
  })

  test('when another job has the name of the FinetuneJob', () => {
    const jobs = [source({ phase: 'Succeeded', made: 'jft-imagenet-5' })]
    const { isOver, notes } = completionOf(jobs, [child('jft-imagenet', 'Running')])
    assert.equal(isOver, true)
    assert.match(notes[1] ?? '', /^the run does not wait for FinetuneJob\/jft-imagenet: a job of this name exists/)
  })
})
