/** Comments cite docs/paper.md by section. */
import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { test } from 'node:test'

const CITATION = /paper\.md ((?:(?:, | and )?§\d+(?:\.\d+(?:-\d+\.\d+)?)?)+)/g

const headings = [...readFileSync('docs/paper.md', 'utf8').matchAll(/^#{2,3} (\d+(?:\.\d+)?)\.? /gm)].map(([, n]) => n)
const sources = globSync('{src,test,tools,bench}/**/*.{ts,mjs}', { exclude: ['**/node_modules'] }).map((file) => ({
  file,
  text: readFileSync(file, 'utf8'),
}))

function citedIn(text: string): string[] {
  return [...text.matchAll(CITATION)].flatMap(([, list = '']) => list.match(/\d+(?:\.\d+)?/g) ?? [])
}

function missingIn(text: string): string[] {
  return citedIn(text).filter((section) => !headings.includes(section))
}

test('every section of paper.md that a comment cites exists', () => {
  assert.ok(sources.flatMap(({ text }) => citedIn(text)).length > 20, 'found the citations')
  const missing = sources
    .filter(({ file }) => !file.endsWith('citations.test.ts'))
    .flatMap(({ file, text }) => missingIn(text).map((section) => `${file} cites §${section}`))
  assert.deepEqual(missing, [])
})

test('the check finds a missing section alone, in a list and in a range', () => {
  assert.deepEqual(missingIn('paper.md §9.9'), ['9.9'])
  assert.deepEqual(missingIn('paper.md §1.9, §9.9'), ['9.9'])
  assert.deepEqual(missingIn('paper.md §2.7, §1.4-9.7'), ['9.7'])
})
