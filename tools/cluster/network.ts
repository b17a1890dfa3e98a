/** The address ranges of the test cluster; none of them leaves the machine. */

export const SERVICE_RANGE = '10.96.0.0/16'
/** The first address of the service range: the API server, as pods see it. */
export const SERVICE_IP = '10.96.0.1'

/** Pods that really run are on a bridge of the machine, which is their gateway, their DNS server and the node's address. */
export const POD_RANGE = '10.244.0.0/24'
export const GATEWAY_IP = '10.244.0.1'
export const BRIDGE = 'downpour0'
/** Given, or it would be that of some pod: pods lose their gateway for ten seconds when that one goes. */
export const BRIDGE_ADDRESS = '0a:58:0a:f4:00:01'

/** Pods that kwok pretends to run. */
export const FAKE_POD_RANGE = '10.128.0.1/10'

export const CLUSTER_DOMAIN = 'cluster.local'
