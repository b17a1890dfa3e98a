/** Runs the commands and the two jobs in README.md, so that the README stays true. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { after, suite, test } from 'node:test'
import { writeCheckpoint } from '../checkpoint/fixtures.ts'

const README = readFileSync('README.md', 'utf8')
const folder = mkdtempSync(join(tmpdir(), 'downpour-readme-'))
after(() => rmSync(folder, { recursive: true }))

const BLOCKS = [...README.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)]
const block = (language: string) => BLOCKS.filter(([, name]) => name === language).map(([, , text = '']) => text)
const LINES = block('')
  .flatMap((text) => text.split('\n'))
  .map((line) => line.split(/\s+#/)[0]?.trim() ?? '')
  .filter((line) => line.startsWith('bin/downpour'))
/** The smallest possible data set, to save time. */
const SMALL = '--images 30 --evaluation-images 5 --downstream-train-per-class 1 --downstream-val-per-class 1'

function run(line: string) {
  const [bin = '', ...words] = line.split(' ')
  const { NODE_OPTIONS: _, npm_lifecycle_event: __, ...env } = process.env
  return spawnSync(process.execPath, [resolve(bin), ...words], { cwd: folder, env, encoding: 'utf8', timeout: 120_000 })
}

suite('the README', () => {
  const [jobs = ''] = block('yaml')
  writeFileSync(join(folder, 'my-jobs.yaml'), jobs)

  test('shows the verbs that a new user needs', () => {
    const verbs = LINES.map((line) => line.split(' ').slice(1, 3).join(' '))
    assert.deepEqual(verbs, [
      'validate my-jobs.yaml',
      'render my-jobs.yaml',
      'plan my-jobs.yaml',
      'presets',
      'data make',
      'checkpoint list',
      'checkpoint verify',
    ])
  })

  for (const line of LINES)
    test(line, async () => {
      const at = join(folder, 'claim')
      mkdirSync(join(at, 'default/jft-12345678'), { recursive: true })
      if (line.includes('checkpoint')) await writeCheckpoint(join(at, 'default/jft-12345678'), 10)
      const dir = line.includes('data make') ? `${join(folder, 'set')} ${SMALL}` : at
      const { status, stdout, stderr } = run(line.replace('DIR', dir))
      assert.equal(status, 0, `${stdout}${stderr}`)
      assert.ok(stdout.length > 0)
      if (!line.includes('data make')) return
      const inspected = run(`bin/downpour data inspect ${join(folder, 'set')}`)
      assert.match(inspected.stdout, /pretrain: tfrecord/, inspected.stderr)
    })

  test('running its two jobs without their data folder is an error at once', () => {
    assert.equal(existsSync('/data/images'), false)
    const { status, stderr } = run('bin/downpour run my-jobs.yaml')
    assert.equal(status, 1)
    assert.match(
      stderr,
      /CLAIM_FOLDER_MISSING: my-jobs\.yaml: PersistentVolumeClaim\/images: .*"\/data\/images": there is no such folder/,
    )
    assert.equal(existsSync('/data/images'), false)
  })
})
