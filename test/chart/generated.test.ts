import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import { suite, test } from 'node:test'
import { startHelp } from '../../src/cli/verbs/run.ts'
import { VERBS } from '../../src/cli/verbs.ts'
import { JOB_KINDS } from '../../src/contract/names.ts'
import { crdFile } from '../../tools/generate.ts'
import { plainManifests } from '../../tools/plain-manifests.ts'
import { helm, skip } from './chart.ts'

const file = (path: string) => readFile(new URL(`../../${path}`, import.meta.url), 'utf8')
const names = async (path: string) => (await readdir(new URL(`../../${path}`, import.meta.url))).sort()

suite('generated files are up to date (npm run generate)', () => {
  for (const kind of JOB_KINDS) {
    test(`the chart's copy of the CRD of ${kind}`, async () => {
      const { url, text } = crdFile(kind)
      assert.equal(await file(`charts/downpour/files/crds/${url.pathname.split('/').at(-1)}`), text)
    })
  }

  test('the help of npm start', async () => {
    assert.equal(await file('tools/start-help.txt'), startHelp(VERBS.run.description))
  })

  test('the plain manifests are the chart rendered with its defaults', { skip }, async () => {
    const wanted = plainManifests(helm ?? '')
    assert.deepEqual(await names('deploy/operator'), [...wanted.keys()].sort())
    for (const [name, text] of wanted) assert.equal(await file(`deploy/operator/${name}`), text)
  })
})

test('the kustomization lists every manifest, and the chart has every CRD', async () => {
  const listed = [...(await file('deploy/kustomization.yaml')).matchAll(/^ {2}- operator\/(.+)$/gm)].map(
    ([, name]) => name,
  )
  assert.deepEqual(listed.sort(), await names('deploy/operator'))
  const crds = (await names('crds')).filter((name) => name.endsWith('.yaml'))
  assert.deepEqual(await names('charts/downpour/files/crds'), crds)
  assert.equal(/resources: \[(.+)\]/.exec(await file('crds/Kustomization'))?.[1], crds.join(', '))
})
