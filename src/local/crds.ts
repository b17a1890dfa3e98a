/** Our kinds' definitions as `kubectl get crd` lists them; admission is in the words of src/api. */
import { GROUP, JOB_KINDS, PLURALS, VERSION } from '../contract/names.ts'

export function crdObjects(): { metadata: { name: string }; spec: Record<string, unknown> }[] {
  return JOB_KINDS.map((kind) => ({
    metadata: { name: `${PLURALS[kind]}.${GROUP}` },
    spec: {
      group: GROUP,
      scope: 'Namespaced',
      names: { kind, plural: PLURALS[kind], singular: kind.toLowerCase() },
      versions: [{ name: VERSION, served: true, storage: true }],
    },
  }))
}
