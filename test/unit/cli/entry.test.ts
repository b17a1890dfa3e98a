/** bin/downpour and `npm start` before anything is installed, and on a Node that is too old to run src/. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite, type TestContext, test } from 'node:test'

/** Flags that make this Node report an old version. Child processes do not inherit them. */
const OLD = [
  '--import',
  `data:text/javascript,${encodeURIComponent("Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '20.1.0' } })")}`,
]
const NODE_OF_SETUP = `cache/node-24.21.0/node_modules/node-${process.platform}-${process.arch}/bin/node`

/** A clone without node_modules and without a Node in the cache. */
function freshClone(t: TestContext): string {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'downpour-clone-')))
  t.after(() => rmSync(root, { recursive: true }))
  for (const part of ['bin', 'tools', 'src', 'package.json']) cpSync(part, join(root, part), { recursive: true })
  return root
}

function setUpNode(root: string): void {
  mkdirSync(join(root, NODE_OF_SETUP, '..'), { recursive: true })
  writeFileSync(join(root, NODE_OF_SETUP), `#!/bin/sh\nexec '${process.execPath}' "$@"\n`, { mode: 0o755 })
}

function run(root: string, args: readonly string[], { flags = [] as string[], env = {}, cwd = root } = {}) {
  const { DOWNPOUR_NODE: _, NODE_OPTIONS: __, ...rest } = process.env
  const { status, stdout, stderr } = spawnSync(process.execPath, [...flags, ...args], {
    cwd,
    env: { ...rest, DOWNPOUR_CACHE: join(root, 'cache'), ...env },
    encoding: 'utf8',
    timeout: 60_000,
  })
  return { status, stdout, stderr }
}

suite('bin/downpour', () => {
  test('on an old Node runs the Node of set-up in the same working directory, and returns its exit code', (t) => {
    const root = freshClone(t)
    symlinkSync(join(process.cwd(), 'node_modules'), join(root, 'node_modules'))
    setUpNode(root)
    const cwd = join(root, 'elsewhere')
    mkdirSync(cwd)
    writeFileSync(join(cwd, 'job.yaml'), 'kind: [')
    const bin = join(root, 'bin/downpour')
    const listed = run(root, [bin, 'presets'], { flags: OLD, cwd })
    assert.match(listed.stdout, /^PRESET .*\njft-resnet101 /, listed.stderr)
    const refused = run(root, [bin, 'validate', 'job.yaml'], { flags: OLD, cwd })
    assert.equal(refused.status, 1)
    assert.match(refused.stderr, /^job\.yaml: not YAML/)
  })

  test('on an old Node without another one says how to install it', (t) => {
    const root = freshClone(t)
    const { status, stderr } = run(root, ['bin/downpour', 'presets'], { flags: OLD })
    assert.equal(status, 1)
    assert.equal(
      stderr,
      `downpour needs Node >= 22.19 (this is 20.1.0): \`npm run setup\` in ${root}/ installs what is missing, as \`npm start\` does\n`,
    )
  })

  test('runs the Node that DOWNPOUR_NODE names', (t) => {
    const root = freshClone(t)
    symlinkSync(join(process.cwd(), 'node_modules'), join(root, 'node_modules'))
    symlinkSync(process.execPath, join(root, 'node'))
    const { status, stdout } = run(root, ['bin/downpour', 'presets'], {
      flags: OLD,
      env: { DOWNPOUR_NODE: join(root, 'node') },
    })
    assert.deepEqual([status, stdout.slice(0, 6)], [0, 'PRESET'])
  })

  const WRONG_NODES = {
    'a script that runs an old Node': {
      script: `[ "$1" = --version ] && echo v20.1.0 && exit\nexec '${process.execPath}' '${OLD.join("' '")}' "$@"`,
      found: 'v20.1.0',
    },
    'another program': { script: 'echo hello', found: 'it is no Node (--version ended with 0)' },
    'a program that fails': {
      script: 'echo no such option >&2; exit 3',
      found: 'it is no Node (--version ended with 3: no such option)',
    },
    'a missing file': { script: undefined, found: 'spawnSync NODE ENOENT' },
  }
  for (const [what, { script, found }] of Object.entries(WRONG_NODES))
    test(`refuses a DOWNPOUR_NODE that names ${what}, and so does npm start`, (t) => {
      const root = freshClone(t)
      symlinkSync(join(process.cwd(), 'node_modules'), join(root, 'node_modules'))
      cpSync('package-lock.json', join(root, 'package-lock.json'))
      const node = join(root, 'node')
      if (script !== undefined) writeFileSync(node, `#!/bin/sh\n${script}\n`, { mode: 0o755 })
      for (const args of [
        ['bin/downpour', 'presets'],
        ['tools/start.mjs', 'nothing.yaml'],
      ]) {
        const { status, stderr } = run(root, args, { flags: OLD, env: { DOWNPOUR_NODE: node } })
        assert.equal(status, 1)
        assert.equal(
          stderr,
          `set-up: DOWNPOUR_NODE=${node}: expected a Node >= 22.19, found: ${found.replace('NODE', node)}\n`,
        )
      }
    })

  test('without packages says how to install them instead of printing a stack', (t) => {
    const root = freshClone(t)
    const { status, stderr } = run(root, ['bin/downpour', 'presets'])
    assert.equal(status, 1)
    assert.equal(
      stderr,
      `downpour finds no packages in node_modules: \`npm run setup\` in ${root}/ installs what is missing, as \`npm start\` does\n`,
    )
  })
})

suite('help before anything is installed', () => {
  for (const flag of ['--help', '-h'])
    test(`npm start -- ${flag}`, (t) => {
      const root = freshClone(t)
      const { status, stdout, stderr } = run(root, ['tools/start.mjs', flag], { flags: OLD })
      assert.deepEqual([status, stderr], [0, ''])
      assert.match(stdout, /^Usage: npm start -- \[options\] \[files\.\.\.\]\n/)
      assert.match(stdout, /--fresh .*[\s\S]*jft-resnet101[\s\S]*No cluster and no kubectl is needed/)
      assert.doesNotMatch(stdout, /downpour run/)
    })

  test('npm test -- --help', (t) => {
    const { status, stdout, stderr } = run(freshClone(t), ['tools/test.mjs', '--help'], { flags: OLD })
    assert.deepEqual([status, stderr], [0, ''])
    assert.match(stdout, /^Usage: npm test \[-- PATH\.\.\.\]/)
  })
})

suite('help for a verb that does not exist is an error', () => {
  for (const args of ['nope --help', 'nope -h', '--help nope', 'help nope', 'data nope --help', 'checkpoint nope -h'])
    test(`downpour ${args}`, () => {
      const { status, stdout, stderr } = run(process.cwd(), ['bin/downpour', ...args.split(' ')])
      assert.equal(status, 1, stdout)
      assert.match(stderr, /^error: unknown command 'nope'/)
    })

  for (const args of ['--help', 'help', 'validate --help', 'help data', 'data inspect -h', 'data --help'])
    test(`downpour ${args} prints help`, () => {
      const { status, stdout } = run(process.cwd(), ['bin/downpour', ...args.split(' ')])
      assert.deepEqual([status, /^Usage: downpour /.test(stdout)], [0, true])
    })
})

test('for an unknown flag, npm start names its own help rather than that of bin/downpour', () => {
  const { status, stderr } = run(process.cwd(), ['bin/downpour', 'run', '--frsh'], {
    env: { npm_lifecycle_event: 'start' },
  })
  assert.equal(status, 1)
  assert.equal(stderr, "error: unknown option '--frsh'\n(Did you mean --fresh?)\n(see npm start -- --help)\n")
})
