// Package kinds makes go.mod require the types from which controller-gen writes the CRDs of the Prometheus operator.
package kinds

import _ "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
