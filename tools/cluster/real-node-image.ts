/** Packs the toolbox, a static program, into an image archive that containerd imports; needs no registry or image builder. */
import { createHash } from 'node:crypto'
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { toolbox } from './binaries.ts'
import { exec } from './exec.ts'
import { file, IMAGE, SOCKET } from './real-node-files.ts'
import { step } from './say.ts'

const OWNED_BY_ROOT = ['--owner=0', '--group=0', '--mtime=@0', '--sort=name']

export function importImage(signal?: AbortSignal): Promise<void> {
  return step(`importing ${IMAGE}`, async () => {
    await importArchive(await imageArchive(signal), signal)
  })
}

export async function importArchive(archive: string, signal?: AbortSignal): Promise<void> {
  await exec('ctr', ['--address', SOCKET, '--namespace', 'k8s.io', 'images', 'import', archive], { signal })
}

async function imageArchive(signal?: AbortSignal): Promise<string> {
  const folder = file('image')
  const content = join(folder, 'content')
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(content, { recursive: true })
  copyFileSync(toolbox().file, join(content, 'toolbox'))
  await exec('tar', [...OWNED_BY_ROOT, '-C', content, '-cf', join(folder, 'layer.tar'), 'toolbox'], { signal })
  const layer = createHash('sha256')
    .update(readFileSync(join(folder, 'layer.tar')))
    .digest('hex')
  writeFileSync(join(folder, 'config.json'), JSON.stringify(imageConfig(layer)))
  const manifest = [{ Config: 'config.json', RepoTags: [IMAGE], Layers: ['layer.tar'] }]
  writeFileSync(join(folder, 'manifest.json'), JSON.stringify(manifest))
  const archive = file('image.tar')
  await exec('tar', ['-C', folder, '-cf', archive, 'manifest.json', 'config.json', 'layer.tar'], { signal })
  return archive
}

function imageConfig(layer: string) {
  const architecture = process.arch === 'x64' ? 'amd64' : process.arch
  const rootfs = { type: 'layers', diff_ids: [`sha256:${layer}`] }
  return { architecture, os: 'linux', config: { Entrypoint: ['/toolbox'], User: '65532:65532' }, rootfs }
}
