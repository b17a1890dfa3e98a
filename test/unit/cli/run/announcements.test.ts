import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { Job } from '../../../../src/api/job.ts'
import { Announcements } from '../../../../src/cli/run/announcements.ts'
import { finetuned, fromRandom } from '../histories.ts'

const running = (job: Job) => ({ ...job, status: { ...job.status, phase: 'Running' } }) as Job

suite('the results of a run', () => {
  test('are printed once, when both jobs of a pair have succeeded', () => {
    const printed: string[] = []
    const announcements = new Announcements({ print: (line) => printed.push(line) })
    const [ours, random] = [finetuned('ours', 0.5), fromRandom('random', 0.3)]
    announcements.announce([ours, running(random)])
    assert.deepEqual(printed, [], 'a score of a checkpoint in mid-training is no result')
    announcements.announce([ours, random])
    announcements.announce([ours, random, finetuned('unpaired', 0.9, { maxSteps: 7 })])
    const sentence = 'top1 50.0% (ours) against 30.0% from random weights (random) at 150 steps: 20.0 points.'
    assert.deepEqual(printed, [`imagenet-classification: ${sentence}`])
  })
})
