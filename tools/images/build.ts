// `npm run images [-- TARGET...]`: builds the operator image and the runtime images for TARGETs (wasm, tensorflow-cpu,
// tensorflow-gpu; default wasm) with buildah. Needs no Docker daemon and no registry: base images are made here from
// Debian packages. Needs Linux, root, and the Debian packages buildah and mmdebstrap.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const CACHE = join(ROOT, '.cache', 'images')
const SUITE = 'bookworm'
const BASE_PACKAGES = ['libc6', 'libstdc++6', 'libgcc-s1', 'base-files', 'netbase', 'tzdata']
const NODE_PACKAGES = ['ca-certificates', 'libstdc++6']
/** The tags are digests of the content, so that a change of content builds new base images. */
const NODE_IMAGE = `localhost/downpour-node:${digestOf([process.version, ...NODE_PACKAGES])}`
const BASE_IMAGE = `localhost/downpour-base:${digestOf(BASE_PACKAGES)}`

function digestOf(parts: readonly string[]): string {
  return createHash('sha256').update(parts.join(' ')).digest('hex').slice(0, 12)
}

function run(program: string, ...args: string[]): string {
  const { status, stdout, error } = spawnSync(program, args, {
    cwd: ROOT,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  if (status !== 0) throw error ?? new Error(`${program} ${args[0]} ended with ${status}`)
  return stdout.trim()
}

const buildah = (...args: string[]) => run('buildah', ...args)

/** Builds an image from a file tree that mmdebstrap makes, unless `name` exists: only a Debian release changes the content. */
function debianImage(
  name: string,
  variant: string,
  packages: readonly string[],
  addFiles: (container: string) => void,
): void {
  if (buildah('images', '--format', '{{.Name}}:{{.Tag}}').split('\n').includes(name)) return
  const tar = join(CACHE, `${variant}.tar`)
  run('mmdebstrap', `--variant=${variant}`, `--include=${packages.join(',')}`, SUITE, tar)
  const container = buildah('from', 'scratch')
  buildah('add', '--quiet', container, tar, '/')
  addFiles(container)
  buildah('commit', '--quiet', '--rm', container, name)
  rmSync(tar)
}

/** Builds an equivalent of `node:24-bookworm-slim`: Debian with the Node that runs this script, npm, and Node's headers if they are installed. */
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

interface ImageSpec {
  tag: string
  dockerfile: string
  target?: string
}

function build({ tag, dockerfile, target }: ImageSpec): void {
  const settings = { NODE_IMAGE, BASE_IMAGE, VERSION: version, REVISION: run('git', 'rev-parse', 'HEAD') }
  const args = Object.entries(settings).flatMap(([key, value]) => ['--build-arg', `${key}=${value}`])
  const stage = target === undefined ? [] : ['--target', target]
  const file = ['--ignorefile', `${dockerfile}.dockerignore`, '--file', dockerfile]
  buildah(
    'bud',
    '--quiet',
    '--layers',
    '--isolation',
    'chroot',
    ...args,
    ...stage,
    ...secrets(),
    ...file,
    '--tag',
    tag,
    '.',
  )
}

/** Settings that this machine needs to reach package registries. As build secrets they are in no layer of an image. */
function secrets(): string[] {
  const { NODE_EXTRA_CA_CERTS: ca = '', PIP_CONFIG_FILE: pip = '/etc/pip.conf' } = process.env
  const files = { npmrc: run('npm', 'config', 'get', 'userconfig'), ca, pip }
  const present = Object.entries(files).filter(([, file]) => existsSync(file))
  return present.flatMap(([id, file]) => ['--secret', `id=${id},src=${file}`])
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

const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string }

function imageSpecs(targets: readonly string[]): ImageSpec[] {
  const dockerfile = 'docker/runtime.Dockerfile'
  const runtimes = targets.map((target) => {
    const suffix = target === 'wasm' ? '' : `-${target}`
    return { tag: `downpour/runtime:${version}${suffix}`, dockerfile, target }
  })
  return [{ tag: `downpour/operator:${version}`, dockerfile: 'docker/operator.Dockerfile' }, ...runtimes]
}

mkdirSync(CACHE, { recursive: true })
nodeImage()
debianImage(BASE_IMAGE, 'extract', BASE_PACKAGES, () => {})
const targets = process.argv.slice(2)
for (const image of imageSpecs(targets.length > 0 ? targets : ['wasm'])) {
  build(image)
  process.stdout.write(
    `${image.tag}: ${mebibytes(sizeOf(image.tag))}, including ${mebibytes(sizeOf(BASE_IMAGE))} of base image\n`,
  )
}
