/** The module of the loader's thread. It must not load tfjs, because each worker would then have it in memory twice. */
import { serveLoader } from '../input/serve-loader.ts'
import { declarationOf } from '../tasks/declarations.ts'
import { createInput } from '../tasks/registry.ts'

serveLoader({ annotationsOf: ({ type }) => declarationOf(type).annotates, createInput })
