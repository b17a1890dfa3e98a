import assert from 'node:assert/strict'
import { test } from 'node:test'
import sharp from 'sharp'
import { createRandom } from '../../../src/support/random.ts'
import { DECLARATIONS } from '../../../src/tasks/declarations.ts'
import { createInput } from '../../../src/tasks/registry.ts'
import { TASK_CASES } from './cases.ts'

const [WIDTH, HEIGHT] = [700, 650]
const random = createRandom(1)
const noise = Uint8Array.from({ length: WIDTH * HEIGHT * 3 }, () => random.int(256))
const picture = await sharp(noise, { raw: { width: WIDTH, height: HEIGHT, channels: 3 } })
  .png()
  .toBuffer()

for (const { type, input } of DECLARATIONS.filter((one) => 'resizeFilter' in one.input.shape))
  test(`${type} resizes pictures with the filter that the job chooses, with Lanczos when it chooses none`, async () => {
    const pixels = async (fields: object) => {
      const task = { type, options: TASK_CASES[type].options, input: { ...input.parse({}), ...fields } }
      const { decode } = await createInput(task, { labels: [], folder: '.' })
      return decode(picture)
    }
    const usual = await pixels({})
    assert.deepEqual(await pixels({ resizeFilter: 'lanczos3' }), usual)
    const linear = await pixels({ resizeFilter: 'linear' })
    assert.deepEqual([linear.width, linear.height], [usual.width, usual.height])
    assert.notDeepEqual(linear.rgb, usual.rgb)
  })
