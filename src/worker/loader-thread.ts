/** The module of the loader's thread. It must not load tfjs, which would cost each worker a second copy of it. */
import { serveLoader } from '../input/serve-loader.ts'
import { createInput } from '../tasks/registry.ts'

serveLoader(createInput)
