// Operations that go on: informers, watches, a leader's lease.
package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
)

var watches = []operation{
	{"informer in JSON", func(c *client, ctx context.Context) (string, error) { return informer(c, ctx, c.typed) }},
	{"informer in protobuf", func(c *client, ctx context.Context) (string, error) { return informer(c, ctx, c.binary) }},
	{"watch with initial events", watchList},
	{"watch that the server ends", watchTimeout},
	{"leader election", leaderElection},
}

// told collects what an informer says, once each, and lets others wait for one of them.
type told struct {
	mu    sync.Mutex
	order []string
	news  chan struct{}
}

func (t *told) say(what string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, known := range t.order {
		if known == what {
			return
		}
	}
	t.order = append(t.order, what)
	close(t.news)
	t.news = make(chan struct{})
}

func (t *told) await(ctx context.Context, what string) error {
	for {
		t.mu.Lock()
		all, news := t.order, t.news
		t.mu.Unlock()
		for _, known := range all {
			if known == what {
				return nil
			}
		}
		select {
		case <-news:
		case <-ctx.Done():
			return fmt.Errorf("no %q in %q: %w", what, all, ctx.Err())
		}
	}
}

func (t *told) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.Join(t.order, ", ")
}

// informer: what was there, what comes, changes and goes, and that the resync tells again of what did not change.
func informer(c *client, ctx context.Context, set kubernetes.Interface) (string, error) {
	maps, seen := c.typed.CoreV1().ConfigMaps(c.namespace), &told{news: make(chan struct{})}
	if _, err := maps.Create(ctx, configMap("before", map[string]string{"k": "0"}), meta.CreateOptions{}); err != nil {
		return "", err
	}
	ctx, cancel := context.WithCancel(ctx)
	factory := informers.NewSharedInformerFactoryWithOptions(set, time.Second, informers.WithNamespace(c.namespace),
		informers.WithTweakListOptions(func(o *meta.ListOptions) { o.LabelSelector = "by=client-go" }))
	defer factory.Shutdown()
	defer cancel() // before Shutdown, which waits for the informers' end
	watched := factory.Core().V1().ConfigMaps().Informer()
	value := func(object any) string {
		if gone, ok := object.(cache.DeletedFinalStateUnknown); ok {
			object = gone.Obj
		}
		m := object.(*core.ConfigMap)
		return m.Name + "=" + m.Data["k"]
	}
	watched.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc: func(o any) { seen.say("added " + value(o)) },
		UpdateFunc: func(old, o any) {
			if old.(*core.ConfigMap).ResourceVersion == o.(*core.ConfigMap).ResourceVersion {
				if value(o) == "made=2" {
					seen.say("resynced " + value(o))
				}
				return
			}
			seen.say("updated " + value(o))
		},
		DeleteFunc: func(o any) { seen.say("deleted " + value(o)) },
	})
	factory.Start(ctx.Done())
	made := configMap("made", map[string]string{"k": "1"})
	steps := []func() error{
		func() error { return seen.await(ctx, "added before=0") },
		func() (err error) { made, err = maps.Create(ctx, made, meta.CreateOptions{}); return },
		func() error { return seen.await(ctx, "added made=1") },
		func() (err error) {
			made.Data["k"] = "2"
			made, err = maps.Update(ctx, made, meta.UpdateOptions{})
			return
		},
		func() error { return seen.await(ctx, "updated made=2") },
		func() error { return seen.await(ctx, "resynced made=2") },
		func() error { return maps.Delete(ctx, "made", meta.DeleteOptions{}) },
		func() error { return seen.await(ctx, "deleted made=2") },
		func() error { return maps.Delete(ctx, "before", meta.DeleteOptions{}) },
		func() error { return seen.await(ctx, "deleted before=0") },
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return seen.String(), err
		}
	}
	return seen.String(), nil
}

func watchList(c *client, ctx context.Context) (string, error) {
	maps, seen, yes := c.binary.CoreV1().ConfigMaps(c.namespace), "", true
	for _, name := range []string{"one", "two"} {
		if _, err := maps.Create(ctx, configMap(name, nil), meta.CreateOptions{}); err != nil {
			return "", err
		}
	}
	events, err := maps.Watch(ctx, meta.ListOptions{LabelSelector: "by=client-go", SendInitialEvents: &yes,
		AllowWatchBookmarks: true, ResourceVersionMatch: meta.ResourceVersionMatchNotOlderThan})
	if err != nil {
		return "", err
	}
	defer events.Stop()
	for event := range events.ResultChan() {
		object, ok := event.Object.(*core.ConfigMap)
		if !ok {
			return seen, fmt.Errorf("%v", event.Object)
		}
		seen += fmt.Sprintf("%s %s; ", event.Type, object.Name)
		switch {
		case event.Type == watch.Bookmark && object.Annotations[meta.InitialEventsAnnotationKey] == "true":
			if err := maps.DeleteCollection(ctx, meta.DeleteOptions{}, meta.ListOptions{LabelSelector: "by=client-go"}); err != nil {
				return seen, err
			}
		case event.Type == watch.Deleted && strings.Count(seen, "DELETED") == 2:
			return seen, nil
		}
	}
	return seen, errors.New("the watch ended")
}

func watchTimeout(c *client, ctx context.Context) (string, error) {
	second := int64(1)
	events, err := c.typed.CoreV1().ConfigMaps(c.namespace).Watch(ctx,
		meta.ListOptions{LabelSelector: "by=nobody", TimeoutSeconds: &second})
	if err != nil {
		return "", err
	}
	for event := range events.ResultChan() {
		return "", fmt.Errorf("%s %v", event.Type, event.Object)
	}
	return "ended", ctx.Err()
}

// leaderElection: one leads, another waits, takes over when the first gives up, and the lease shows it.
func leaderElection(c *client, ctx context.Context) (string, error) {
	seen := &told{news: make(chan struct{})}
	elect := func(ctx context.Context, who string) (ended chan struct{}, err error) {
		lock, err := resourcelock.New(resourcelock.LeasesResourceLock, c.namespace, "leader",
			c.typed.CoreV1(), c.typed.CoordinationV1(), resourcelock.ResourceLockConfig{Identity: who})
		if err != nil {
			return nil, err
		}
		elector, err := leaderelection.NewLeaderElector(leaderelection.LeaderElectionConfig{
			Lock: lock, ReleaseOnCancel: true,
			LeaseDuration: 15 * time.Second, RenewDeadline: 10 * time.Second, RetryPeriod: 200 * time.Millisecond,
			Callbacks: leaderelection.LeaderCallbacks{
				OnStartedLeading: func(context.Context) { seen.say(who + " leads") },
				OnStoppedLeading: func() { seen.say(who + " stopped") },
			}})
		if err != nil {
			return nil, err
		}
		ended = make(chan struct{})
		go func() { elector.Run(ctx); close(ended) }()
		return ended, nil
	}
	firstContext, endFirst := context.WithCancel(ctx)
	defer endFirst()
	secondContext, endSecond := context.WithCancel(ctx)
	defer endSecond()
	first, err := elect(firstContext, "first")
	if err != nil {
		return "", err
	}
	if err = seen.await(ctx, "first leads"); err != nil {
		return seen.String(), err
	}
	second, err := elect(secondContext, "second")
	if err != nil {
		return "", err
	}
	endFirst()
	<-first
	if err = seen.await(ctx, "second leads"); err != nil {
		return seen.String(), err
	}
	endSecond()
	<-second
	leases := c.typed.CoordinationV1().Leases(c.namespace)
	lease, err := leases.Get(ctx, "leader", meta.GetOptions{})
	if err != nil {
		return seen.String(), err
	}
	return fmt.Sprintf("%s; released: %v", seen, *lease.Spec.HolderIdentity == ""),
		leases.Delete(ctx, "leader", meta.DeleteOptions{})
}
