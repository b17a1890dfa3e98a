// Nothing is built from these: they carry the CRDs that the adapters to other schedulers are tested against.
module downpour.dev/tools/cluster/crds

go 1.25.0

require (
	github.com/kubeflow/training-operator v1.9.3
	sigs.k8s.io/kueue v0.17.0
	sigs.k8s.io/scheduler-plugins v0.34.1-devel
	volcano.sh/volcano v1.10.0
)
