/** The examples of docs/metrics and docs/formats print what the pages say. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { globSync, mkdtempSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { suite, test } from 'node:test'
import { temporaryFolder } from '../../../support/temporary-folder.ts'

/** A program and, in the next block, its output. */
const EXAMPLE = /```(?<language>bash|ts)\n(?<program>.*?)```\n```\n(?<output>.*?)```/gs
const pages = globSync(['docs/metrics/*.md', 'docs/formats/{coco,imagenet-folder,tfrecord,voc}.md']).sort()
const root = temporaryFolder()

/** Runs in a folder that looks like a clone. @returns what is printed */
function run(language: string, program: string): string {
  const cwd = mkdtempSync(join(root, 'example-'))
  for (const name of ['bin', 'src']) symlinkSync(join(process.cwd(), name), join(cwd, name))
  writeFileSync(join(cwd, 'example.ts'), program)
  const env = { ...process.env, PATH: `${dirname(process.execPath)}:${process.env.PATH}` }
  const [command, args] =
    language === 'ts' ? [process.execPath, ['example.ts']] : (['bash', ['--norc', '-euc', program]] as const)
  const { stdout, stderr, status } = spawnSync(command, args, { cwd, env, encoding: 'utf8' })
  assert.equal(status, 0, stderr)
  return `${stderr}${stdout}`
}

test('every page has an example', () => {
  assert.ok(pages.length >= 6, 'found the pages')
  assert.deepEqual(
    pages.filter((page) => [...readFileSync(page, 'utf8').matchAll(EXAMPLE)].length === 0),
    [],
  )
})

suite('an example prints what its page says', () => {
  for (const page of pages)
    for (const [i, { groups }] of [...readFileSync(page, 'utf8').matchAll(EXAMPLE)].entries()) {
      const { language = '', program = '', output = '' } = groups ?? {}
      test(`${page}, example ${i + 1}`, () => assert.equal(run(language, program), output))
    }
})
