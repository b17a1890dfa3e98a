/** Runs `npm run setup:tensorflow` with scripts as pip and compiler that are missing, fail, hang or are killed. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { eventually } from '../../support/eventually.ts'
import { CANNOT_MOUNT, mountSmallDisk } from '../../support/small-disk.ts'

const PYTHON = `#!/bin/sh
flood() { touch "$LEDGER-floods"; n=0; while [ ! -e "$GO" ] && [ -d "$TMPDIR" ]; do n=$((n+1)); echo part > "$TMPDIR/part-$n"; done; }
case "$*" in
  *--version*) exit 0 ;;
  *download*) echo "$$" >> "$LEDGER"; echo "$*" >> "$LEDGER-words"; [ -z "$PIP_FLOODS" ] || flood; while [ -e "$LEDGER" ] && [ ! -e "$GO" ]; do sleep 0.05; done; [ -z "$PIP_FAILS" ] || exit 1
    touch "$TMPDIR/tensorflow.whl" ;;
  *ctypes*) [ -z "$CUDA_FAILS" ] || { echo "libz.so.1: cannot open shared object file" >&2; exit 1; } ;;
  *) mkdir -p "$4/nvidia/cuda_nvrtc/lib" "$4/tensorflow" && touch "$4/tensorflow/libtensorflow_cc.so.2" "$4/tensorflow/libtensorflow_framework.so.2" ;;
esac
`
/** Its output is not an addon, so the check of the result must refuse it. */
const COMPILER = `#!/bin/sh
for last; do :; done
[ "$1" = --version ] || echo nothing > "$last"
`

let folder: string
let children: ChildProcess[] = []
const at = (...names: string[]) => join(folder, ...names)
const downloads = () => (existsSync(at('ledger')) ? readdirSync(at('cache', 'setup-tensorflow')) : [])
const inCache = () => readdirSync(at('cache')).filter((name) => name.startsWith('tensorflow-'))
const workFolders = () => readdirSync(at('cache', 'setup-tensorflow')).filter((name) => name.startsWith('work-'))

/** @returns the running processes of this test; an ended process that was not reaped has no command line */
function pipProcesses(): string[] {
  const started = existsSync(at('ledger')) ? readFileSync(at('ledger'), 'utf8').trim().split('\n') : []
  return started.filter(
    (pid) => existsSync(`/proc/${pid}`) && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(folder),
  )
}

function program(name: string, text: string): void {
  writeFileSync(at('bin', name), text, { mode: 0o755 })
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'downpour-tensorflow-'))
  children = []
  mkdirSync(at('bin'))
  for (const name of ['sh', 'sleep', 'mkdir', 'touch']) symlinkSync(onPath(name), at('bin', name))
  program('python3', PYTHON)
  program('g++', COMPILER)
})
afterEach(async () => {
  writeFileSync(at('go'), '')
  for (const child of children) child.kill('SIGKILL')
  // A pip that outlives a killed set-up would keep the output of this process open, and the test runner would wait.
  await eventually(() => assert.deepEqual(pipProcesses(), []))
  await eventually(() => rmSync(folder, { recursive: true, force: true }))
})

function onPath(name: string): string {
  const folders = (process.env.PATH ?? '').split(delimiter)
  return folders.map((one) => join(one, name)).find((file) => existsSync(file)) ?? assert.fail(`no ${name} here`)
}

function setUp(args: string[] = [], environment = {}) {
  const env = { PATH: at('bin'), LEDGER: at('ledger'), GO: at('go'), DOWNPOUR_CACHE: at('cache'), ...environment }
  const child = spawn(process.execPath, ['tools/tensorflow/main.ts', ...args], { env, stdio: ['ignore', 2, 'pipe'] })
  children.push(child)
  let printed = ''
  child.stderr?.on('data', (text) => (printed += text))
  return { child, output: () => printed, code: once(child, 'close').then(([code]) => code as number) }
}

const finish = () => writeFileSync(at('go'), '')

for (const [missing, message] of [
  [
    'python3',
    /^set-up: MISSING_PREREQUISITE: python3 with pip is missing: install it \(Debian: apt-get install python3 python3-pip\)/,
  ],
  ['g++', /^set-up: MISSING_PREREQUISITE: g\+\+ is missing: install it \(Debian: apt-get install g\+\+\)/],
] as const)
  test(`a machine without ${missing} gets an error with what to install, before any download`, async () => {
    rmSync(at('bin', missing))
    const { code, output } = setUp()
    assert.equal(await code, 1)
    assert.match(output(), message)
    assert.deepEqual(downloads(), [])
  })

test('a failed download of the wheel is an error with what to check, and leaves no files', async () => {
  finish()
  const { code, output } = setUp([], { PIP_FAILS: 'yes' })
  assert.equal(await code, 1)
  assert.match(output(), /set-up: WHEEL_UNAVAILABLE: pip cannot download tensorflow-cpu==[\d.]+: .*check the network/)
  assert.deepEqual([inCache(), workFolders()], [[], []])
})

test('an addon that does not load is not installed', async () => {
  finish()
  const { code, output } = setUp()
  assert.equal(await code, 1)
  assert.match(output(), /computing with it \.\.\. failed[\s\S]*TensorFlow [\d.]+ does not run on this machine/)
  assert.deepEqual([inCache(), workFolders()], [[], []])
})

test('a killed set-up leaves no lock, and the next one removes its files', async () => {
  const first = setUp()
  await eventually(() => assert.equal(downloads().filter((name) => name.startsWith('work-')).length, 1))
  first.child.kill('SIGKILL')
  await once(first.child, 'exit')
  const [left] = workFolders()
  const second = setUp()
  await eventually(() => assert.equal(workFolders().length === 1 && !workFolders().includes(left ?? ''), true))
  finish()
  assert.equal(await second.code, 1)
  assert.deepEqual([inCache(), workFolders()], [[], []])
})

test('a second set-up reports that it waits, and SIGTERM ends the first with its pip', async () => {
  const first = setUp()
  await eventually(() => assert.equal(downloads().filter((name) => name.startsWith('work-')).length, 1))
  const second = setUp()
  await eventually(() => assert.match(second.output(), /waiting for another set-up in \S+ \(process \d+\)/))
  first.child.kill('SIGTERM')
  assert.equal(await first.code, 130)
  assert.match(first.output(), /interrupted/)
  await eventually(() => assert.match(second.output(), /downloading TensorFlow/))
})

test('SIGINT ends a set-up that waits, and the one before it continues', async () => {
  const first = setUp()
  await eventually(() => assert.equal(pipProcesses().length, 1))
  const second = setUp()
  await eventually(() => assert.match(second.output(), /waiting for another set-up/))
  second.child.kill('SIGINT')
  assert.equal(await second.code, 130)
  assert.match(second.output(), /interrupted/)
  assert.equal(readdirSync(at('cache', 'setup-tensorflow', 'lock')).length, 1)
  finish()
  await first.code
  assert.match(first.output(), /computing with it/)
})

test('a pip that outlives its set-up and still writes does not stop the next set-up', async () => {
  const first = setUp([], { PIP_FLOODS: 'yes' })
  await eventually(() => assert.equal(existsSync(at('ledger-floods')), true))
  first.child.kill('SIGKILL')
  await once(first.child, 'exit')
  const second = setUp()
  await eventually(() => assert.match(second.output(), /downloading TensorFlow/))
})

test('a full disk is an error with the needed space', { skip: CANNOT_MOUNT }, async () => {
  const disk = mountSmallDisk(at('cache'), '16m')
  const { code, output } = setUp()
  const ended = await code.finally(() => disk.unmount())
  assert.equal(ended, 1)
  assert.match(output(), /^set-up: DISK_FULL: 0\.0 GB of disk are free in \S+ and 1\.1 GB are needed: make room/)
})

test('--remove removes the folder, and reports if there is none', async () => {
  mkdirSync(at('cache', 'tensorflow-2.18.0'), { recursive: true })
  mkdirSync(at('cache', 'tensorflow-2.18.0-gpu'), { recursive: true })
  for (const message of [
    /^set-up: removed \S+tensorflow-2\.18\.0 and \S+tensorflow-2\.18\.0-gpu\n$/,
    /^set-up: there is no TensorFlow in /,
  ]) {
    const { code, output } = setUp(['--remove'])
    assert.equal(await code, 0, output())
    assert.match(output(), message)
    assert.deepEqual(inCache(), [])
  }
})

test('unknown options, and --gpu beside --remove, are refused', async () => {
  for (const [options, message] of [
    [['--gpus'], /--help` shows the options/],
    [['--gpu', '--remove'], /--remove removes both/],
  ] as const) {
    const { code, output } = setUp([...options])
    assert.equal(await code, 1)
    assert.match(output(), message)
  }
})

test('--gpu downloads exactly the wheels whose versions and hashes are listed', async () => {
  finish()
  const { code, output } = setUp(['--gpu'])
  assert.equal(await code, 1)
  assert.match(output(), /and CUDA's libraries, 2\.2 GB[\s\S]*computing with it \.\.\. failed/)
  const words = readFileSync(at('ledger-words'), 'utf8')
  const [, file = ''] = /--no-deps .*--require-hashes --requirement (\S+)$/m.exec(words) ?? assert.fail(words)
  const lines = readFileSync(file, 'utf8').trim().split('\n')
  for (const line of lines.filter((one) => !one.startsWith('#')))
    assert.match(line, /^[a-z0-9-]+==[\d.]+ --hash=sha256:[0-9a-f]{64}$/)
  assert.ok(lines.some((line) => line.startsWith('tensorflow==2.18.0 ')))
  assert.deepEqual([inCache(), workFolders()], [[], []])
})

test("libraries of CUDA that do not load are an error with the loader's words, and nothing is installed", async () => {
  finish()
  const { code, output } = setUp(['--gpu'], { CUDA_FAILS: 'yes' })
  assert.equal(await code, 1)
  assert.match(output(), /TENSORFLOW_UNUSABLE: CUDA's libraries do not load on this machine [\s\S]*libz\.so\.1/)
  assert.deepEqual([inCache(), workFolders()], [[], []])
})
