/** The documents name files of the repository. A file that moves must take its mentions along. */
import assert from 'node:assert/strict'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { suite, test } from 'node:test'

const DOCUMENTS = globSync(['*.md', 'docs/**/*.md', 'bench/*.md', 'charts/downpour/*.md'])
/** A path from the root, as code: `src/ps/training.ts`, `test/unit/ps`. */
const PATH = /`((?:src|test|tools|bench|docs|charts|deploy|docker)\/[\w./-]*\w)`/g
const LINK = /\]\(([^)#:]+)(?:#[^)]*)?\)/g

/** @returns the paths that the text names, from the root of the repository */
function pathsIn(text: string, folder: string): string[] {
  const paths = [...text.matchAll(PATH)].map(([, path = '']) => path)
  const links = [...text.matchAll(LINK)].map(([, link = '']) => join(folder, link))
  return [...paths, ...links]
}

suite('every file that is named exists', () => {
  for (const document of DOCUMENTS)
    test(document, () => {
      const paths = pathsIn(readFileSync(document, 'utf8'), dirname(document))
      assert.deepEqual(
        paths.filter((path) => !existsSync(path)),
        [],
      )
    })
})

test('the check finds paths and links, and ignores addresses and anchors', () => {
  assert.ok(DOCUMENTS.length > 6, 'found the documents')
  const text = '`src/no/file.ts`, [a](../gone.md), [b](data.md#part), [c](https://example.com/x.md), [d](#here)'
  assert.deepEqual(pathsIn(text, 'docs'), ['src/no/file.ts', 'gone.md', 'docs/data.md'])
})
