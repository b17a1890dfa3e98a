/** The jobs of docs/tasks are complete: a reader copies them, and they are valid without a warning. */
import assert from 'node:assert/strict'
import { globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { suite, test } from 'node:test'
import { FINETUNE_RECIPES, type Recipe } from '../../../src/api/presets.ts'
import { readManifests } from '../../../src/cli/manifests.ts'
import { checkManifests } from '../../../src/cli/run/check-manifests.ts'
import { validateFiles } from '../../../src/cli/verbs/validate.ts'
import { declarationsFor } from '../../../src/tasks/declarations.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'
import { capture } from './io.ts'

const root = temporaryFolder()
const PAGES = globSync('docs/tasks/*.md').sort()
const YAML = /^( *)```yaml\n(.*?)^ *```$/gms

/** Blocks inside of a list are indented. */
function jobsOf(page: string): string[] {
  return [...readFileSync(page, 'utf8').matchAll(YAML)].map(([, indent = '', text = '']) =>
    text.replaceAll(new RegExp(`^${indent}`, 'gm'), ''),
  )
}

test('a page has a job, and every page is of a task', () => {
  const types = declarationsFor('FinetuneJob').map(({ type }) => type as string)
  assert.ok(PAGES.length >= 4, 'found the pages')
  for (const page of PAGES) {
    assert.ok(types.includes(basename(page, '.md')), page)
    assert.ok(jobsOf(page).length > 0, page)
  }
})

suite('a job of a page', () => {
  for (const page of PAGES)
    for (const [i, text] of jobsOf(page).entries())
      test(`${page}, block ${i + 1}`, async () => {
        const file = join(root, `${basename(page)}-${i}.yaml`)
        writeFileSync(file, withFoldersIn(root, text))
        const { io, written } = capture()
        assert.equal(await validateFiles([file], io), 0, written.err)
        assert.equal(written.err, '', 'no warning')
        const manifests = await readManifests([file])
        await checkManifests(manifests)
        const claims = manifests.filter(({ object }) => object.kind === 'PersistentVolumeClaim')
        const names = claims.map(({ object }) => object.metadata.name)
        for (const [, name = ''] of text.matchAll(/claimName: ([\w-]+)/g)) assert.ok(names.includes(name), name)
        for (const { object } of manifests) if (object.kind === 'FinetuneJob') checkJob(object, page)
      })
})

/** The folders of data that the page tells its reader to make. */
function withFoldersIn(folder: string, text: string): string {
  return text.replaceAll(/(local\.downpour\.dev\/path: )([\w-]+)/g, (_, key, name) => {
    mkdirSync(join(folder, name), { recursive: true })
    return `${key}${join(folder, name)}`
  })
}

/** The task is that of the page, and options that it repeats are those of the preset. */
function checkJob(job: object, page: string): void {
  const { spec } = job as { spec: { preset: keyof typeof FINETUNE_RECIPES; task?: object } }
  const { preset, task } = spec
  const { task: ofPreset }: Recipe = FINETUNE_RECIPES[preset]
  assert.equal(ofPreset?.type, basename(page, '.md'))
  if (task) assert.deepEqual(task, ofPreset)
}
