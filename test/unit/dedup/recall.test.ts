import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { plant } from '../../../bench/dedup/plant.ts'
import { type Rates, ratesByKind } from '../../../bench/dedup/rates.ts'
import { searchPlanted } from '../../../bench/dedup/search.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'

const SEEDS = [11, 12, 13]
const LEAST_RATE = 0.95
const folder = temporaryFolder()

/** Plants copies with the seed and searches for them. */
async function ratesFor(seed: number): Promise<Record<string, Rates>> {
  const own = join(folder, String(seed))
  const planted = await plant({ folder: own, seed, perKind: 10, othersPerKind: 15 })
  const report = await searchPlanted(own)
  return ratesByKind(planted, report.duplicates)
}

test('of each kind of copy at least 95% are found, and at least 95% of what is listed are copies', async (t) => {
  const rates: Record<string, Rates>[] = []
  for (const seed of SEEDS) rates.push(await ratesFor(seed))
  for (const kind of ['re-encoded', 'scaled', 'flipped', 'cropped', 'all']) {
    const sum = (field: keyof Rates) => rates.reduce((total, one) => total + (one[kind]?.[field] ?? Number.NaN), 0)
    const [planted, found, listed] = [sum('planted'), sum('found'), sum('listed')]
    t.diagnostic(`seeds ${SEEDS}, ${kind}: ${found} of ${planted} found, ${listed} listed`)
    assert.ok(found / planted >= LEAST_RATE, `recall of ${kind}: ${found} of ${planted}`)
    assert.ok(found / listed >= LEAST_RATE, `precision of ${kind}: ${found} of ${listed}`)
  }
})
