import { join } from 'node:path'
import { type DedupReport, findDuplicates } from '../../src/dedup/dedup.ts'
import { perceptualMethod } from '../../src/dedup/perceptual.ts'

/** Searches the folder that `plant` has filled. */
export function searchPlanted(folder: string): Promise<DedupReport> {
  return findDuplicates({
    training: [{ flag: '--train', folder: join(folder, 'training') }],
    test: { flag: '--test', folder: join(folder, 'test') },
    out: join(folder, 'list.tsv'),
    methods: [perceptualMethod()],
    key: '',
    maxCorrupt: 0,
  })
}
