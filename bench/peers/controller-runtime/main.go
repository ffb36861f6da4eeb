// The benchmark's work done by controller-runtime, set up as its documentation advises.
package main

import (
	"net/http"
	"os"
	"strconv"
	"time"

	"k8s.io/apimachinery/pkg/runtime"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"
	"sigs.k8s.io/controller-runtime/pkg/predicate"

	"bench.customdomains.dev/controller-runtime/widget"
)

func main() {
	ctrl.SetLogger(zap.New())
	if err := run(); err != nil {
		ctrl.Log.Error(err, "the operator ended")
		os.Exit(1)
	}
}

func run() error {
	workers, err := strconv.Atoi(os.Getenv("BENCH_WORKERS"))
	if err != nil {
		return err
	}
	scheme := runtime.NewScheme()
	if err := widget.SchemeBuilder.AddToScheme(scheme); err != nil {
		return err
	}
	// All requests share one HTTP/2 connection, as client-go does by itself.
	config, err := ctrl.GetConfig()
	if err != nil {
		return err
	}
	config.QPS = 5000
	config.Burst = 10000
	manager, err := ctrl.NewManager(config, ctrl.Options{
		Scheme:                        scheme,
		Metrics:                       metricsserver.Options{BindAddress: "127.0.0.1:0"},
		Cache:                         cache.Options{DefaultTransform: cache.TransformStripManagedFields()},
		LeaderElection:                true,
		LeaderElectionID:              "controller-runtime",
		LeaderElectionNamespace:       os.Getenv("BENCH_NAMESPACE"),
		LeaderElectionReleaseOnCancel: true,
	})
	if err != nil {
		return err
	}
	// The default keeps two idle connections, so that most calls would open a new one.
	transport := &http.Transport{MaxIdleConnsPerHost: workers}
	err = ctrl.NewControllerManagedBy(manager).
		For(&widget.Widget{}, builder.WithPredicates(predicate.GenerationChangedPredicate{})).
		WithOptions(controller.Options{MaxConcurrentReconciles: workers}).
		Complete(&reconciler{
			Client:      manager.GetClient(),
			http:        &http.Client{Transport: transport, Timeout: 10 * time.Second},
			externalURL: os.Getenv("BENCH_EXTERNAL_URL"),
		})
	if err != nil {
		return err
	}
	return manager.Start(ctrl.SetupSignalHandler())
}
