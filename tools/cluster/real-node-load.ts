/** Copies images from buildah to the real node without a registry, under the names that pods use. */
import { rmSync } from 'node:fs'
import { DownpourError } from '../../src/support/errors.ts'
import { crictl } from './binaries.ts'
import { exec } from './exec.ts'
import { withLock } from './lock.ts'
import { ensureCommand } from './prerequisites.ts'
import { pidOf } from './processes.ts'
import { file, RUNTIME_ENDPOINT } from './real-node-files.ts'
import { importArchive } from './real-node-image.ts'
import { say, step } from './say.ts'

/**
 * Skips images that the node already has.
 * @throws DownpourError NO_REAL_NODE, NO_IMAGE
 */
export function loadImages(images: readonly string[], signal?: AbortSignal): Promise<void> {
  return withLock(async () => {
    if (!pidOf('containerd')) {
      throw new DownpourError(
        'NO_REAL_NODE',
        'the cluster has no running real node: start it with `npm run cluster -- up --real-node`',
      )
    }
    await ensureCommand('buildah', signal)
    const present = await imagesOnNode(signal)
    for (const image of images) {
      const name = fullName(image)
      const id = await builtId(image, signal)
      if (present.get(name) === id) say(`${name} is already on the node`)
      else await step(`loading ${name}`, () => load(id, name, signal))
    }
  }, signal)
}

async function builtId(image: string, signal?: AbortSignal): Promise<string> {
  const args = ['images', '--filter', `reference=${image}`, '--no-trunc', '--quiet']
  const [id] = (await exec('buildah', args, { signal })).split('\n')
  if (id) return id.replace('sha256:', '')
  throw new DownpourError('NO_IMAGE', `buildah has no image ${image}: build it with \`npm run images\``, { image })
}

async function load(id: string, name: string, signal?: AbortSignal): Promise<void> {
  const archive = file('load.tar')
  rmSync(archive, { force: true })
  try {
    await exec('buildah', ['push', '--quiet', id, `docker-archive:${archive}:${name}`], { signal })
    await importArchive(archive, signal)
  } finally {
    rmSync(archive, { force: true })
  }
}

/** @returns image ID by full name */
async function imagesOnNode(signal?: AbortSignal): Promise<Map<string, string>> {
  const args = ['--runtime-endpoint', RUNTIME_ENDPOINT, 'images', '--output', 'json']
  const { images } = JSON.parse(await exec(crictl().file, args, { signal })) as { images: NodeImage[] }
  return new Map(images.flatMap(({ id, repoTags }) => repoTags.map((name) => [name, id.replace('sha256:', '')])))
}

interface NodeImage {
  id: string
  repoTags: string[]
}

/**
 * Adds the default registry host and tag to a name as a kubelet does.
 * @example fullName('downpour/operator:0.1.0') === 'docker.io/downpour/operator:0.1.0'
 */
export function fullName(image: string): string {
  const [first = '', ...rest] = image.split('/')
  const hasHost = rest.length > 0 && (/[.:]/.test(first) || first === 'localhost')
  const named = hasHost ? image : `docker.io/${rest.length > 0 ? image : `library/${image}`}`
  return /:[^/]+$/.test(named) ? named : `${named}:latest`
}
