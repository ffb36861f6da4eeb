package main

import (
	"context"
	"fmt"
	"io"
	"net/http"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	"bench.customdomains.dev/controller-runtime/widget"
)

const finalizer = "bench.customdomains.dev/finalizer"

type reconciler struct {
	client.Client
	http        *http.Client
	externalURL string
}

// Reconcile makes the finalizer, one external call and the status of a Widget so, each only where it is missing.
func (r *reconciler) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	var w widget.Widget
	if err := r.Get(ctx, req.NamespacedName, &w); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	if !w.DeletionTimestamp.IsZero() {
		if !controllerutil.RemoveFinalizer(&w, finalizer) {
			return ctrl.Result{}, nil
		}
		return ctrl.Result{}, client.IgnoreNotFound(r.Update(ctx, &w))
	}
	if w.Status.ObservedGeneration == w.Generation && meta.IsStatusConditionTrue(w.Status.Conditions, "Ready") {
		return ctrl.Result{}, nil
	}
	if controllerutil.AddFinalizer(&w, finalizer) {
		if err := r.Update(ctx, &w); err != nil {
			return ctrl.Result{}, err
		}
	}
	if err := r.call(ctx, req); err != nil {
		return ctrl.Result{}, err
	}
	w.Status.ObservedGeneration = w.Generation
	meta.SetStatusCondition(&w.Status.Conditions, metav1.Condition{
		Type:               "Ready",
		Status:             metav1.ConditionTrue,
		Reason:             "Converged",
		Message:            "the external call succeeded",
		ObservedGeneration: w.Generation,
	})
	return ctrl.Result{}, r.Status().Update(ctx, &w)
}

func (r *reconciler) call(ctx context.Context, req ctrl.Request) error {
	url := fmt.Sprintf("%s/%s/%s", r.externalURL, req.Namespace, req.Name)
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	response, err := r.http.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("the external server answered %d", response.StatusCode)
	}
	return nil
}
