import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { ConditionType } from '../../../src/api/conditions.ts'
import type { Job } from '../../../src/api/job.ts'
import type { JobStatus } from '../../../src/api/status.ts'
import { createProgressView, duration, progressCells } from '../../../src/cli/progress.ts'
import { textWidth } from '../../../src/cli/table.ts'
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
const condition = (type: ConditionType, status: 'True' | 'False', message: string, reason = 'Why') =>
  ({ type, status, reason, message }) as JobStatus['conditions'][number]
const training = (step = 100, name = 'jft') => jobOf(pretrain({}, name), at(step))
const waiting = jobOf(finetune(), {
  phase: 'Waiting',
  conditions: [condition('SourceResolved', 'False', 'waits for jft')],
})

suite('the cells of a job', () => {
  test('show phase, step, loss, speed and remaining time', () => {
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

  test('show a dash for unknown values, and the score as soon as there is one', () => {
    assert.deepEqual(progressCells(jobOf(pretrain())), ['pj/jft', 'Pending', '-', '-', '-', '-', '-', ''])
    const { progress } = at(400)
    const done = jobOf(pretrain(), { phase: 'Succeeded', ...(progress && { progress }), headline: 'top1 0.412' })
    assert.deepEqual(progressCells(done).slice(4), ['-', '-', '-', 'top1 0.412'])
    const evaluation = { waiting: 0, skipped: 2 }
    const skipped = jobOf(pretrain(), { phase: 'Running', headline: 'top1 0.412', evaluation })
    assert.equal(progressCells(skipped).at(-1), 'top1 0.412; 2 checkpoints were deleted before they were scored')
  })

  test('show what a job waits for, or why it failed, in one line and without control characters', () => {
    assert.equal(progressCells(waiting).at(-1), 'waits for jft')
    const failed = jobOf(pretrain(), { phase: 'Failed', conditions: [condition('Failed', 'True', 'a\nb\x1b[2J\tc')] })
    assert.equal(progressCells(failed).at(-1), 'Why: a b [2J c')
  })

  test('durations are in hours, minutes and seconds', () => {
    assert.deepEqual([0, 59.4, 60, 3599, 3600, -5].map(duration), ['0s', '59s', '1m00s', '59m59s', '1h00m', '0s'])
  })
})

suite('on a terminal', () => {
  const viewOn = (terminal: Terminal) => createProgressView(terminal as unknown as NodeJS.WriteStream)

  test('the table is redrawn in place, and nothing of a longer table remains', () => {
    const terminal = new Terminal()
    const view = viewOn(terminal)
    view.show([training(), waiting])
    view.show([training(200)])
    assert.deepEqual(terminal.screen, [
      'JOB     PHASE    STEP           LOSS   EXAMPLES/S  ETA    WORKERS  RESULT',
      'pj/jft  Running  200/400 (50%)  1.235  123         1m15s  2/2',
    ])
  })

  test('the table is redrawn in one write, which erases only afterwards: erasing first would flicker', () => {
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

  test('lines are printed above the table', () => {
    const terminal = new Terminal()
    const view = viewOn(terminal)
    view.print('first')
    view.show([training()])
    view.print('second')
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

  test('a narrow terminal gets fewer columns, and no line wraps', () => {
    for (const columns of [20, 40, 60, 80]) {
      const terminal = new Terminal({ columns })
      const view = viewOn(terminal)
      view.show([training(), waiting])
      view.show([training(200), waiting])
      const [head = '', first = '', ...more] = terminal.screen
      const text = terminal.screen.join('\n')
      assert.ok(
        more.slice(1).every((line) => line.startsWith('  ')),
        text,
      )
      assert.match(more.join(' ').replace(/\s+/g, ' '), /waits for jft/, text)
      assert.match(head, /^JOB +PHASE/)
      assert.ok(columns < 40 || first.includes('200/400'), first)
      assert.ok(columns < 60 || more.length === 1, text)
    }
  })

  test('when the terminal becomes narrower, nothing of the old table remains', () => {
    const terminal = new Terminal({ columns: 100 })
    const view = viewOn(terminal)
    view.print('before')
    view.show([training(), waiting])
    terminal.resize(50)
    view.show([training(200), waiting])
    assert.deepEqual(
      terminal.screen.map((line) => line.split(' ')[0]),
      ['before', 'JOB', 'pj/jft', 'fj/birds'],
    )
  })

  const QUOTA = `exceeded quota: ${'requests.nvidia.com/gpu=1 '.repeat(6)}`
  const held = (name: string) =>
    jobOf(pretrain({}, name), { phase: 'Pending', conditions: [condition('Created', 'False', QUOTA, 'QuotaExceeded')] })

  test('a reason that is cut in the table is printed below it in full, once for all jobs with this reason', () => {
    for (const columns of [60, 80, 100, 125]) {
      const terminal = new Terminal({ columns })
      const view = viewOn(terminal)
      for (let i = 0; i < 3; i++) view.show([held('a'), training(), held('b')])
      view.print('printed')
      const text = terminal.screen.join(' ').replace(/\s+/g, ' ')
      assert.equal(text.split(`pj/a, pj/b: ${QUOTA.trim()}`).length, 2, terminal.screen.join('\n'))
      assert.deepEqual(
        terminal.screen.slice(0, 5).map((line) => line.split(' ')[0]),
        ['printed', 'JOB', 'pj/a', 'pj/jft', 'pj/b'],
      )
      view.end()
      assert.equal(terminal.screen.length, 5, 'reasons are removed at the end: the run prints failures in full')
    }
  })

  test('wide characters take two columns, and a long name is shortened so that the phase is visible', () => {
    for (const columns of [40, 60, 80]) {
      const terminal = new Terminal({ columns })
      const reason = '数据集'.repeat(20)
      const failed = jobOf(pretrain({}, 'x'.repeat(40)), {
        phase: 'Failed',
        conditions: [condition('Failed', 'True', reason)],
      })
      viewOn(terminal).show([failed])
      for (const line of terminal.screen) assert.ok(textWidth(line) < columns, `${columns}: ${line}`)
      assert.match(terminal.screen[1] ?? '', /^pj\/x+(…x+)? +Failed/)
    }
  })

  test('a terminal with few rows shows as many jobs as fit and counts the others', () => {
    const terminal = new Terminal({ rows: 6 })
    const view = viewOn(terminal)
    const jobs = Array.from({ length: 9 }, (_, i) => training(i, `job-${i}`))
    for (let i = 0; i < 3; i++) view.show(jobs)
    assert.deepEqual(
      terminal.screen.map((line) => line.split('  ')[0]),
      ['JOB', 'pj/job-0', 'pj/job-1', 'pj/job-2', '... and 6 more'],
    )
  })

  test('an echoed ^C is overwritten, the last table stays, and the cursor is at the start of a line', () => {
    const terminal = new Terminal()
    const view = viewOn(terminal)
    view.show([training()])
    terminal.write('^C')
    view.end()
    view.print('stopping')
    terminal.write('^C')
    view.print('stopped')
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

  test('a job is printed when its phase changes, and every ten seconds while it runs', () => {
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

  test('lines are still printed when the wall clock is set back by 20 days', (t) => {
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

  test('what a job waits for is printed once, and again only when it changes', () => {
    const { lines, view, wait } = pipe()
    const waits = (message: string, reason: string) =>
      view.show([
        jobOf(pretrain(), { phase: 'Starting', conditions: [condition('Scheduled', 'False', message, reason)] }),
      ])
    for (let i = 0; i < 60; i++, wait(1000)) waits('worker-0: no node', 'Unschedulable')
    waits('3 of 3 pods wait for queue "q"', 'Queued')
    wait(10_000)
    const { progress } = at(0)
    const conditions = [condition('Scheduled', 'False', 'still in queue "q"', 'Queued')]
    view.show([jobOf(pretrain(), { phase: 'Starting', conditions, ...(progress && { progress }) })])
    assert.deepEqual(lines, [
      'pj/jft  Starting  worker-0: no node\n',
      'pj/jft  Starting  3 of 3 pods wait for queue "q"\n',
      'pj/jft  Starting  step 0/400 (0%)  loss 1.235\n',
    ])
  })

  test('an ended job is printed once', () => {
    const { lines, view, wait } = pipe()
    const done = jobOf(pretrain(), { phase: 'Succeeded' })
    view.show([done])
    wait(60_000)
    view.show([done])
    view.print('printed')
    view.end()
    assert.deepEqual(lines, ['pj/jft  Succeeded\n', 'printed\n'])
  })
})
