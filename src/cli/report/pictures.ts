/**
 * The worst, median and best pictures of a job's newest scored checkpoint: the evaluator has kept their sketches beside it,
 * and the pictures themselves are read from the evaluation data.
 */
import { join } from 'node:path'
import type { Job } from '../../api/job.ts'
import { realFileSystem } from '../../checkpoint/file-system.ts'
import { listCheckpoints } from '../../checkpoint/list.ts'
import { readSmallFile } from '../../checkpoint/small-file.ts'
import { FILES, MAX_PICTURES_BYTES } from '../../contract/files.ts'
import { type PicturesRecord, parsePictures } from '../../contract/pictures.ts'
import { openDataset } from '../../data/formats.ts'
import { dataConfig } from '../../plan/runtime-config.ts'
import { errorMessage } from '../../support/errors.ts'
import type { TaskDeclaration } from '../../tasks/declaration.ts'
import { declarationOf } from '../../tasks/declarations.ts'
import { type DrawnPicture, drawPicture } from './draw-picture.ts'

export interface JobPictures {
  readonly step: number
  /** What the scores of the pictures are. */
  readonly by: string
  readonly pictures: readonly DrawnPicture[]
  /** Why some pictures are missing. */
  readonly problem?: string
}

export type FolderOf = (namespace: string, claimName: string) => Promise<string>

/**
 * @param folder with the job's checkpoints
 * @param folderOf returns the folder of this machine that a claim stands for
 * @returns undefined without a checkpoint that has pictures
 */
export async function readPictures(job: Job, folder: string, folderOf: FolderOf): Promise<JobPictures | undefined> {
  const found = await newestRecord(folder)
  if (!found || found.record.pictures.length === 0) return undefined
  const { step, record } = found
  const { picturesBy: by = 'their score' }: TaskDeclaration = declarationOf(job.spec.task.type)
  const pictures: DrawnPicture[] = []
  try {
    const encoded = await readEncoded(job, folderOf, new Set(record.pictures.map(({ id }) => id)))
    for (const picture of record.pictures) {
      const bytes = encoded.get(picture.id)
      if (bytes) pictures.push(await drawPicture(bytes, picture, record.labels))
    }
    if (pictures.length === record.pictures.length) return { step, by, pictures }
    return { step, by, pictures, problem: 'some pictures are no longer in the evaluation data' }
  } catch (error) {
    return {
      step,
      by,
      pictures,
      problem: `the pictures cannot be read from the evaluation data: ${errorMessage(error)}`,
    }
  }
}

async function newestRecord(folder: string): Promise<{ step: number; record: PicturesRecord } | undefined> {
  const { checkpoints } = await listCheckpoints(folder).catch(() => ({ checkpoints: [] }))
  for (const { folder: at, digest, manifest } of checkpoints.toReversed()) {
    const text = await readSmallFile(join(at, FILES.pictures), MAX_PICTURES_BYTES, realFileSystem).catch(() => '')
    const record = parsePictures(text.toString())
    if (record?.digest === digest) return { step: manifest.step, record }
  }
  return undefined
}

/** @returns the encoded picture of each id that is in the evaluation data */
async function readEncoded(job: Job, folderOf: FolderOf, ids: Set<string>): Promise<Map<string, Uint8Array>> {
  const found = new Map<string, Uint8Array>()
  const { data } = job.spec.evaluation ?? {}
  if (!data) return found
  const dataset = await openDataset(await folderOf(job.metadata.namespace, data.source.claimName), dataConfig(data))
  for (const unit of dataset.units.keys()) {
    for await (const item of dataset.read(unit, (id) => ids.has(id))) {
      if (item.type === 'example' && ids.delete(item.id)) found.set(item.id, item.bytes)
      if (ids.size === 0) return found
    }
  }
  return found
}
