import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { DealtLeases } from '../../../../src/worker/processes/dealt-leases.ts'
import { epochs, ListedLeases } from '../../input/builders.ts'

const unitsOf = (leases: readonly ({ unit: number } | null)[]) => leases.map((lease) => lease?.unit ?? null)

test('each process gets every n-th lease, whichever asks more often', async () => {
  const seed = Date.now() % 2 ** 31
  const asks = fc.array(fc.integer({ min: 0, max: 2 }), { minLength: 1, maxLength: 40 })
  await fc.assert(
    fc.asyncProperty(asks, fc.boolean(), async (processes, areAtOnce) => {
      const dealt = new DealtLeases(new ListedLeases(epochs(1000, 1)), 3)
      const answers: [number, { unit: number } | null][] = []
      const ask = async (process: number) => void answers.push([process, await dealt.next(process)])
      if (areAtOnce) await Promise.all(processes.map(ask))
      else for (const process of processes) await ask(process)
      for (const own of [0, 1, 2]) {
        const units = unitsOf(answers.flatMap(([process, lease]) => (process === own ? [lease] : [])))
        assert.deepEqual(
          units,
          [...units.keys()].map((k) => 3 * k + own),
        )
      }
    }),
    { seed },
  )
})

test('a process whose lease was drawn does not wait for that of another one', async () => {
  const first = { epoch: 0, unit: 7 }
  const leases = [Promise.resolve(first), new Promise<null>(() => {})]
  const dealt = new DealtLeases({ next: () => leases.shift() ?? assert.fail('it asked again') }, 2)
  const other = dealt.next(1)
  assert.equal(await dealt.next(0), first)
  assert.equal(await Promise.race([other, 'waiting']), 'waiting')
})

test('all get null when the job is done, and an error of the source', async () => {
  const done = new DealtLeases(new ListedLeases(epochs(1, 1)), 2)
  assert.deepEqual(unitsOf(await Promise.all([done.next(1), done.next(0), done.next(0)])), [null, 0, null])
  const error = new Error('fenced')
  const broken = new DealtLeases({ next: () => Promise.reject(error) }, 2)
  const answers = await Promise.allSettled([broken.next(0), broken.next(1)])
  assert.deepEqual(answers, [
    { status: 'rejected', reason: error },
    { status: 'rejected', reason: error },
  ])
})
