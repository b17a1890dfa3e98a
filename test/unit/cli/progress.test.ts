import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { Job } from '../../../src/api/job.ts'
import type { JobStatus } from '../../../src/api/status.ts'
import { createProgressView, duration, progressCells } from '../../../src/cli/progress.ts'
import { finetune, pretrain, type RawJob } from '../../support/job-cases.ts'
import { jobOf as jobWith } from '../plan/jobs.ts'
import { Terminal } from './terminal.ts'

const jobOf = (raw: RawJob, status?: Partial<JobStatus>) => jobWith(raw, status && { conditions: [], ...status })
const at = (step: number): Partial<JobStatus> => ({
  phase: 'Running',
  progress: {
    step,
    maxSteps: 400,
    percent: `${step / 4}%`,
    examplesPerSecond: 123.4,
    loss: 1.23456,
    etaSeconds: 75,
    stalenessMean: 1,
    stalenessP99: 2,
    workersContributed: 2,
    updatedAt: '',
    steppedAt: '',
  },
  replicas: { worker: { summary: '2/2' } } as JobStatus['replicas'],
})
const condition = (type: 'SourceResolved' | 'Failed', status: 'True' | 'False', message: string) =>
  ({ type, status, message }) as JobStatus['conditions'][number]
const training = (step = 100, name = 'jft') => jobOf(pretrain({}, name), at(step))
const waiting = jobOf(finetune(), {
  phase: 'Waiting',
  conditions: [condition('SourceResolved', 'False', 'waits for jft')],
})

suite('the cells of a job', () => {
  test('say where it is, how fast it learns and when it will have ended', () => {
    assert.deepEqual(progressCells(training()), [
      'pj/jft',
      'Running',
      '100/400 (25%)',
      '1.235',
      '123',
      '1m15s',
      '2/2',
      '',
    ])
  })

  test('show a dash for what is not known, and the score once there is one', () => {
    assert.deepEqual(progressCells(jobOf(pretrain())), ['pj/jft', 'Pending', '-', '-', '-', '-', '-', ''])
    const { progress } = at(400)
    const done = jobOf(pretrain(), { phase: 'Succeeded', ...(progress && { progress }), headline: 'top1 0.412' })
    assert.deepEqual(progressCells(done).slice(4), ['-', '-', '-', 'top1 0.412'])
  })

  test('say what a job waits for, or why it failed, in one line and without control characters', () => {
    assert.equal(progressCells(waiting).at(-1), 'waits for jft')
    const failed = jobOf(pretrain(), { phase: 'Failed', conditions: [condition('Failed', 'True', 'a\nb\x1b[2J\tc')] })
    assert.equal(progressCells(failed).at(-1), 'a b [2J c')
  })

  test('durations read as people say them', () => {
    assert.deepEqual([0, 59.4, 60, 3599, 3600, -5].map(duration), ['0s', '59s', '1m00s', '59m59s', '1h00m', '0s'])
  })
})

suite('on a terminal', () => {
  const viewOn = (terminal: Terminal) => createProgressView(terminal as unknown as NodeJS.WriteStream)

  test('the table is redrawn in place, in one write, and nothing of a longer one stays', () => {
    const terminal = new Terminal()
    const view = viewOn(terminal)
    view.show([training(), waiting])
    view.show([training(200)])
    assert.deepEqual(terminal.screen, [
      'JOB     PHASE    STEP           LOSS   EXAMPLES/S  ETA    WORKERS  RESULT',
      'pj/jft  Running  200/400 (50%)  1.235  123         1m15s  2/2',
    ])
  })

  test('never erases before it writes, which would flicker', () => {
    const written: string[] = []
    const view = createProgressView({
      isTTY: true,
      columns: 100,
      rows: 20,
      write: (text: string) => written.push(text),
    } as unknown as NodeJS.WriteStream)
    view.show([training()])
    view.show([training(200)])
    assert.equal(written.length, 2)
    assert.ok((written[1]?.indexOf('\x1b[J') ?? -1) > (written[1]?.indexOf('200/400') ?? 0))
  })

  test('what is said stands above the table', () => {
    const terminal = new Terminal()
    const view = viewOn(terminal)
    view.say('first')
    view.show([training()])
    view.say('second')
    assert.deepEqual(
      terminal.screen.map((line) => line.split(' ')[0]),
      ['first', 'second', 'JOB', 'pj/jft'],
    )
    view.show([training(200)])
    assert.deepEqual(
      terminal.screen.map((line) => line.split(' ')[0]),
      ['first', 'second', 'JOB', 'pj/jft'],
    )
  })

  test('a narrow one gets fewer columns and no broken lines', () => {
    for (const columns of [20, 40, 60, 80]) {
      const terminal = new Terminal({ columns })
      const view = viewOn(terminal)
      view.show([training(), waiting])
      view.show([training(200), waiting])
      const [head = '', first = ''] = terminal.screen
      assert.equal(terminal.screen.length, 3, terminal.screen.join('\n'))
      assert.match(head, /^JOB +PHASE/)
      assert.ok(columns < 40 || first.includes('200/400'), first)
      assert.ok(columns < 60 || terminal.screen[2]?.includes('waits for'), terminal.screen[2])
    }
  })

  test('one that is made narrower under way is drawn anew without leftovers', () => {
    const terminal = new Terminal({ columns: 100 })
    const view = viewOn(terminal)
    view.say('before')
    view.show([training(), waiting])
    terminal.resize(50)
    view.show([training(200), waiting])
    assert.deepEqual(
      terminal.screen.map((line) => line.split(' ')[0]),
      ['before', 'JOB', 'pj/jft', 'fj/birds'],
    )
  })

  test('a low one shows as many jobs as fit and counts the rest', () => {
    const terminal = new Terminal({ rows: 6 })
    const view = viewOn(terminal)
    const jobs = Array.from({ length: 9 }, (_, i) => training(i, `job-${i}`))
    for (let i = 0; i < 3; i++) view.show(jobs)
    assert.deepEqual(
      terminal.screen.map((line) => line.split('  ')[0]),
      ['JOB', 'pj/job-0', 'pj/job-1', 'pj/job-2', '... and 6 more'],
    )
  })

  test('the ^C of an interruption goes, the last table stays, and the cursor is at the start of a line', () => {
    const terminal = new Terminal()
    const view = viewOn(terminal)
    view.show([training()])
    terminal.write('^C')
    view.end()
    view.say('stopping')
    terminal.write('^C')
    view.say('stopped')
    assert.deepEqual(
      terminal.screen.map((line) => line.split(' ')[0]),
      ['JOB', 'pj/jft', 'stopping', 'stopped'],
    )
    assert.deepEqual(terminal.cursor, { row: 4, column: 0 })
  })
})

suite('into a pipe', () => {
  function pipe() {
    const lines: string[] = []
    const out = { isTTY: false, write: (text: string) => lines.push(text) } as unknown as NodeJS.WriteStream
    let nowMs = 0
    return { lines, view: createProgressView(out, () => nowMs), wait: (ms: number) => (nowMs += ms) }
  }

  test('a job has a line when its phase changes, and every ten seconds while it runs', () => {
    const { lines, view, wait } = pipe()
    const show = (job: Job) => view.show([job])
    show(jobOf(pretrain()))
    show(training(1))
    show(training(2))
    wait(9_999)
    show(training(3))
    wait(1)
    show(training(4))
    assert.deepEqual(lines, [
      'pj/jft  Pending\n',
      'pj/jft  Running  step 1/400 (0.25%)  loss 1.235  123 examples/s  eta 1m15s  workers 2/2\n',
      'pj/jft  Running  step 4/400 (1%)  loss 1.235  123 examples/s  eta 1m15s  workers 2/2\n',
    ])
  })

  test('lines go on to come when the wall clock is set back 20 days', (t) => {
    let [wallMs, elapsedMs] = [Date.UTC(2026, 0, 21), 0]
    t.mock.method(Date, 'now', () => wallMs + elapsedMs)
    t.mock.method(performance, 'now', () => elapsedMs)
    const lines: string[] = []
    const out = { isTTY: false, write: (text: string) => lines.push(text) } as unknown as NodeJS.WriteStream
    const view = createProgressView(out)
    view.show([training(1)])
    wallMs -= 20 * 24 * 3_600_000
    elapsedMs += 10_000
    view.show([training(4)])
    assert.equal(lines.length, 2, lines.join(''))
  })

  test('one that has ended is told once', () => {
    const { lines, view, wait } = pipe()
    const done = jobOf(pretrain(), { phase: 'Succeeded' })
    view.show([done])
    wait(60_000)
    view.show([done])
    view.say('said')
    view.end()
    assert.deepEqual(lines, ['pj/jft  Succeeded\n', 'said\n'])
  })
})
