/** The address ranges of the test cluster; all are local to the machine. */

export const SERVICE_RANGE = '10.96.0.0/16'
/** The first address of the service range, by which pods reach the API server. */
export const SERVICE_IP = '10.96.0.1'

/** Pods of the real node are on a bridge of the machine. Its address is their gateway, their DNS server and the node's address. */
export const POD_RANGE = '10.244.0.0/24'
export const GATEWAY_IP = '10.244.0.1'
export const BRIDGE = 'downpour0'
/** Fixed: otherwise the bridge takes a pod's MAC address, and all pods lose their gateway for 10 s when that pod ends. */
export const BRIDGE_ADDRESS = '0a:58:0a:f4:00:01'

/** Range for pods on fake nodes. */
export const FAKE_POD_RANGE = '10.128.0.1/10'

export const CLUSTER_DOMAIN = 'cluster.local'
