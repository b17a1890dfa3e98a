/** Streams that keep what is written to them, and temporary files that are deleted after the test. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable, Writable } from 'node:stream'
import type { TestContext } from 'node:test'
import { dump } from 'js-yaml'

export function capture() {
  const written = { out: '', err: '' }
  const stream = (to: 'out' | 'err') =>
    new Writable({
      write(chunk, _encoding, done) {
        written[to] += chunk
        done()
      },
    })
  return { written, io: { out: stream('out'), err: stream('err'), in: Readable.from([]) } }
}

/** @param content objects are written as YAML documents, a string as it is */
export async function fileWith(
  t: TestContext,
  content: string | readonly object[],
  name = 'job.yaml',
): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'downpour-cli-'))
  t.after(() => rm(folder, { recursive: true }))
  const documents = typeof content === 'string' ? content : content.map((one) => yamlOf(one)).join('---\n')
  await writeFile(join(folder, name), documents)
  return join(folder, name)
}

function yamlOf(object: object): string {
  return dump(JSON.parse(JSON.stringify(object)))
}
