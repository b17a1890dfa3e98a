// `npm run images`: both images with buildah, without root's Docker and without a registry:
// their base is made here from Debian packages. Needs Linux, root, and the Debian packages buildah and mmdebstrap.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const CACHE = join(ROOT, '.cache', 'images')
const SUITE = 'bookworm'
const NODE_IMAGE = 'localhost/downpour-node:24'
const BASE_IMAGE = 'localhost/downpour-base:12'
/** What the bases are made of: a change of it makes them anew. */
const BASE_PACKAGES = ['libc6', 'libstdc++6', 'libgcc-s1', 'base-files', 'netbase', 'tzdata']
const NODE_PACKAGES = ['ca-certificates', 'libstdc++6']
const IMAGES = [
  { name: 'downpour/operator', dockerfile: 'docker/operator.Dockerfile' },
  { name: 'downpour/runtime', dockerfile: 'docker/runtime.Dockerfile' },
] as const

function run(program: string, ...words: string[]): string {
  const { status, stdout, error } = spawnSync(program, words, {
    cwd: ROOT,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  if (status !== 0) throw error ?? new Error(`${program} ${words[0]} ended with ${status}`)
  return stdout.trim()
}

const buildah = (...words: string[]) => run('buildah', ...words)

/** An image of a folder tree that mmdebstrap makes; kept, since it changes with Debian alone. */
function debianImage(
  name: string,
  variant: string,
  packages: readonly string[],
  add: (container: string) => void,
): void {
  if (buildah('images', '--format', '{{.Name}}:{{.Tag}}').split('\n').includes(name)) return
  const tar = join(CACHE, `${variant}.tar`)
  run('mmdebstrap', `--variant=${variant}`, `--include=${packages.join(',')}`, SUITE, tar)
  const container = buildah('from', 'scratch')
  buildah('add', '--quiet', container, tar, '/')
  add(container)
  buildah('commit', '--quiet', '--rm', container, name)
  rmSync(tar)
}

/** Like `node:24-bookworm-slim`: Debian with the Node that runs this script, its headers where they are, and npm. */
function nodeImage(): void {
  const npm = dirname(dirname(run('node', '-p', 'require("fs").realpathSync(process.argv[1])', run('which', 'npm'))))
  debianImage(NODE_IMAGE, 'minbase', NODE_PACKAGES, (container) => {
    buildah('add', '--quiet', '--chmod', '0755', container, process.execPath, '/usr/local/bin/node')
    const headers = join(dirname(dirname(process.execPath)), 'include')
    if (existsSync(headers)) buildah('add', '--quiet', container, headers, '/usr/local/include')
    buildah('add', '--quiet', container, npm, '/usr/local/lib/node_modules/npm')
    for (const tool of ['npm', 'npx']) {
      const link = ['ln', '-s', `../lib/node_modules/npm/bin/${tool}-cli.js`, `/usr/local/bin/${tool}`]
      buildah('run', '--isolation', 'chroot', container, '--', ...link)
    }
  })
}

function imageOf({ name, dockerfile }: (typeof IMAGES)[number], version: string): string {
  const tag = `${name}:${version}`
  const secrets = { npmrc: run('npm', 'config', 'get', 'userconfig'), ca: process.env.NODE_EXTRA_CA_CERTS ?? '' }
  const given = Object.entries(secrets).filter(([, file]) => existsSync(file))
  const settings = { NODE_IMAGE, BASE_IMAGE, VERSION: version, REVISION: run('git', 'rev-parse', 'HEAD') }
  const args = Object.entries(settings).flatMap(([key, value]) => ['--build-arg', `${key}=${value}`])
  const ignore = ['--ignorefile', `${dockerfile}.dockerignore`]
  const secret = given.flatMap(([id, file]) => ['--secret', `id=${id},src=${file}`])
  buildah('bud', '--quiet', '--isolation', 'chroot', ...args, ...secret, ...ignore, '-f', dockerfile, '-t', tag, '.')
  return tag
}

const mebibytes = (bytes: number) => `${(bytes / 2 ** 20).toFixed(0)} MiB`

function sizeOf(tag: string): number {
  return (JSON.parse(buildah('images', '--json', tag)) as { size: string }[]).map(({ size }) => parseSize(size))[0] ?? 0
}

/** @example parseSize('187 MB') === 187e6 */
function parseSize(text: string): number {
  const [, figure = '0', unit = 'B'] = /^([\d.]+)\s*([KMG]?B)$/.exec(text) ?? []
  return Number(figure) * ({ B: 1, KB: 1e3, MB: 1e6, GB: 1e9 }[unit] ?? 1)
}

mkdirSync(CACHE, { recursive: true })
nodeImage()
debianImage(BASE_IMAGE, 'extract', BASE_PACKAGES, () => {})
const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string }
for (const image of IMAGES) {
  const tag = imageOf(image, version)
  process.stdout.write(`${tag}: ${mebibytes(sizeOf(tag))} (of which the base ${mebibytes(sizeOf(BASE_IMAGE))})\n`)
}
