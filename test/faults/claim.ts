import { ANNOTATIONS } from '../../src/contract/names.ts'

/** @param path of an existing folder; absent: a new one in the state folder */
export function claim(name: string, path?: string) {
  const annotations = path === undefined ? {} : { [ANNOTATIONS.localPath]: path }
  const spec = { accessModes: ['ReadWriteMany'], resources: { requests: { storage: '1Gi' } } }
  return { apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name, annotations }, spec }
}
