/** The CRDs as objects, for `kubectl get crd` and `kubectl wait --for=condition=Established`. */
import { crdFor } from '../api/crd.ts'
import { JOB_KINDS, VERSION } from '../contract/names.ts'

const CONDITIONS = ['NamesAccepted', 'Established'].map((type) => ({
  type,
  status: 'True',
  reason: 'Served',
  message: '',
}))

export function crdObjects(): (Record<string, unknown> & { metadata: { name: string } })[] {
  return JOB_KINDS.map((kind) => {
    const definition = crdFor(kind)
    const status = { conditions: CONDITIONS, acceptedNames: definition.spec.names, storedVersions: [VERSION] }
    return { ...definition, status }
  })
}
