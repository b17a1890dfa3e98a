/**
 * `npm run bench:convert`: seconds and memory that `downpour data convert` takes for a file of the shape of
 * instances_train2017.json with its pictures, and whether a conversion that is killed and repeated leaves the same bytes.
 * Generates both in a temporary folder, and fails above the limit of memory or if a byte differs.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { machineText } from '../figures.ts'
import { type Shape, TRAIN_2017, writeInstances, writePictures } from './instances-file.ts'

const SEED = 1
const MAX_BYTES = 2 * 2 ** 30
const OUT = 'bench/results/convert.json'
const KILLED_AT = '(50%)'

/** A smaller shape to try the script: images and annotations as arguments. */
const [images, annotations] = process.argv.slice(2).map(Number)
const shape: Shape = images && annotations ? { images, annotations } : TRAIN_2017
const folder = await mkdtemp(join(tmpdir(), 'downpour-bench-'))
try {
  const source = join(folder, 'coco')
  await writeInstances(source, shape, SEED)
  await writePictures(source, shape)
  const whole = await convert(source, join(folder, 'whole'))
  const killed = await convert(source, join(folder, 'resumed'), KILLED_AT)
  const rest = await convert(source, join(folder, 'resumed'))
  const figures = {
    machine: machineText(),
    ...shape,
    secondsWhole: whole.seconds,
    secondsUntilKilled: killed.seconds,
    secondsAfterwards: rest.seconds,
    peakMegabytes: Math.max(whole.megabytes, killed.megabytes, rest.megabytes),
    differentFiles: await differentFiles(join(folder, 'whole'), join(folder, 'resumed')),
    summary: whole.summary,
  }
  console.log(JSON.stringify(figures, null, 2))
  if (shape === TRAIN_2017) await writeFile(OUT, `${JSON.stringify(figures, null, 2)}\n`)
  process.exitCode = figures.differentFiles.length === 0 && figures.peakMegabytes * 1e6 <= MAX_BYTES ? 0 : 1
} finally {
  await rm(folder, { recursive: true })
}

/** @param killAt text of the progress at which the program is killed */
async function convert(source: string, out: string, killAt?: string) {
  const started = performance.now()
  const args = [resolve('bin/downpour'), 'data', 'convert', source, '--to', 'tfrecord', '--out', out]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  let printed = ''
  let megabytes = 0
  child.stdout.on('data', (part) => {
    process.stdout.write(part)
    printed += part
    megabytes = Math.max(megabytes, peakMegabytes(child))
    if (killAt !== undefined && printed.includes(killAt)) child.kill('SIGKILL')
  })
  const [code, signal] = await once(child, 'close')
  if (code !== 0 && signal !== 'SIGKILL') throw new Error(`data convert ended with ${code}`)
  const summary = printed.split('\n').flatMap((line) => (line.startsWith('  ') ? [line.trim()] : []))
  return { seconds: Math.round((performance.now() - started) / 100) / 10, megabytes, summary }
}

/** The most memory that the process had so far; 0 if it has ended. */
function peakMegabytes({ pid }: ChildProcess): number {
  try {
    const [, kibibytes] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
    return Math.round((Number(kibibytes ?? 0) * 1024) / 1e6)
  } catch {
    return 0
  }
}

async function differentFiles(first: string, second: string): Promise<string[]> {
  const names = new Set([...(await readdir(first)), ...(await readdir(second))])
  const different: string[] = []
  for (const name of names) {
    const [a, b] = await Promise.all([first, second].map((one) => readFile(join(one, name)).catch(() => undefined)))
    if (!a || !b || !a.equals(b)) different.push(name)
  }
  return different
}
