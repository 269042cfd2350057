// Operations on objects: discovery, the encodings, writes, pages, the answers to mistakes.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sort"
	"strings"
	"time"

	apps "k8s.io/api/apps/v1"
	authorization "k8s.io/api/authorization/v1"
	autoscaling "k8s.io/api/autoscaling/v1"
	core "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/applyconfigurations/core/v1"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/discovery/cached/disk"
	"k8s.io/client-go/kubernetes"
)

var configMaps = schema.GroupVersionResource{Version: "v1", Resource: "configmaps"}

var objects = []operation{
	{"version", version},
	{"discovery", discover},
	{"discovery cached", discoverCached},
	{"openapi v3", openapi},
	{"objects in JSON", func(c *client, ctx context.Context) (string, error) { return crud(c, ctx, c.typed) }},
	{"objects in protobuf", func(c *client, ctx context.Context) (string, error) { return crud(c, ctx, c.binary) }},
	{"list in pages", pages},
	{"large object", large},
	{"dry run", dryRun},
	{"server-side apply", apply},
	{"dynamic client", dynamicClient},
	{"metadata client", metadataClient},
	{"scale", scale},
	{"access review", accessReview},
	{"refusals", refusals},
	{"deletecollection", deleteCollection},
}

func configMap(name string, data map[string]string) *core.ConfigMap {
	return &core.ConfigMap{ObjectMeta: meta.ObjectMeta{Name: name, Labels: map[string]string{"by": "client-go"}}, Data: data}
}

func version(c *client, ctx context.Context) (string, error) {
	v, err := c.typed.Discovery().ServerVersion()
	if err != nil {
		return "", err
	}
	return v.GitVersion, nil
}

func resourcesOf(d discovery.DiscoveryInterface) (string, error) {
	_, lists, err := d.ServerGroupsAndResources()
	if err != nil {
		return "", err
	}
	var names []string
	for _, list := range lists {
		for _, resource := range list.APIResources {
			names = append(names, list.GroupVersion+"/"+resource.Name+" "+strings.Join(resource.Verbs, ","))
		}
	}
	sort.Strings(names)
	return strings.Join(names, "\n"), nil
}

func discover(c *client, ctx context.Context) (string, error) {
	return resourcesOf(c.typed.Discovery())
}

// What the disk cache holds is taken up again with an ETag.
func discoverCached(c *client, ctx context.Context) (string, error) {
	folder, err := os.MkdirTemp("", "client-go-cache")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(folder)
	for _, ttl := range []time.Duration{time.Hour, 0} { // the second time what is kept is out of date
		cached, err := disk.NewCachedDiscoveryClientForConfig(c.config, folder+"/discovery", folder+"/http", ttl)
		if err != nil {
			return "", err
		}
		if _, err = resourcesOf(cached); err != nil {
			return "", err
		}
	}
	cached, err := disk.NewCachedDiscoveryClientForConfig(c.config, folder+"/discovery", folder+"/http", time.Hour)
	if err != nil {
		return "", err
	}
	return resourcesOf(cached)
}

func openapi(c *client, ctx context.Context) (string, error) {
	paths, err := c.typed.Discovery().OpenAPIV3().Paths()
	if err != nil {
		return "", err
	}
	schema, err := paths["api/v1"].Schema("application/json")
	return fmt.Sprintf("%d paths; %s", len(paths), schema), err
}

func crud(c *client, ctx context.Context, set kubernetes.Interface) (string, error) {
	maps, seen := set.CoreV1().ConfigMaps(c.namespace), ""
	made, err := maps.Create(ctx, configMap("crud", map[string]string{"k": "1"}), meta.CreateOptions{})
	if err != nil {
		return "", err
	}
	made.Data["k"] = "2"
	if made, err = maps.Update(ctx, made, meta.UpdateOptions{}); err != nil {
		return "", err
	}
	seen += made.Data["k"]
	for _, patch := range []struct {
		kind types.PatchType
		body string
	}{
		{types.MergePatchType, `{"data":{"k":"3"}}`},
		{types.StrategicMergePatchType, `{"data":{"k":"4"}}`},
		{types.JSONPatchType, `[{"op":"replace","path":"/data/k","value":"5"}]`},
	} {
		if made, err = maps.Patch(ctx, "crud", patch.kind, []byte(patch.body), meta.PatchOptions{}); err != nil {
			return seen, err
		}
		seen += made.Data["k"]
	}
	got, err := maps.Get(ctx, "crud", meta.GetOptions{})
	if err != nil {
		return seen, err
	}
	list, err := maps.List(ctx, meta.ListOptions{LabelSelector: "by=client-go"})
	if err != nil {
		return seen, err
	}
	for _, item := range list.Items {
		seen += " " + item.Name
	}
	preconditions := meta.DeleteOptions{Preconditions: &meta.Preconditions{UID: &got.UID}}
	return fmt.Sprintf("%s %v", seen, got.Labels), maps.Delete(ctx, "crud", preconditions)
}

func pages(c *client, ctx context.Context) (string, error) {
	maps, seen, next := c.binary.CoreV1().ConfigMaps(c.namespace), "", ""
	for i := range 5 {
		if _, err := maps.Create(ctx, configMap(fmt.Sprint("page-", i), nil), meta.CreateOptions{}); err != nil {
			return "", err
		}
	}
	for {
		list, err := maps.List(ctx, meta.ListOptions{LabelSelector: "by=client-go", Limit: 2, Continue: next})
		if err != nil {
			return seen, err
		}
		for _, item := range list.Items {
			seen += item.Name + " "
		}
		if next = list.Continue; next == "" {
			return seen, nil
		}
		seen += "| "
	}
}

// Large enough that the server compresses its answer.
func large(c *client, ctx context.Context) (string, error) {
	maps, text := c.typed.CoreV1().ConfigMaps(c.namespace), strings.Repeat("0123456789abcdef", 40000)
	if _, err := maps.Create(ctx, configMap("large", map[string]string{"k": text}), meta.CreateOptions{}); err != nil {
		return "", err
	}
	got, err := maps.Get(ctx, "large", meta.GetOptions{})
	if err != nil {
		return "", err
	}
	return fmt.Sprint(len(got.Data["k"]), got.Data["k"] == text), maps.Delete(ctx, "large", meta.DeleteOptions{})
}

func dryRun(c *client, ctx context.Context) (string, error) {
	maps := c.typed.CoreV1().ConfigMaps(c.namespace)
	made, err := maps.Create(ctx, configMap("dry", nil), meta.CreateOptions{DryRun: []string{meta.DryRunAll}})
	if err != nil {
		return "", err
	}
	_, err = maps.Get(ctx, "dry", meta.GetOptions{})
	return fmt.Sprint(made.Name, " exists: ", !apierrors.IsNotFound(err)), nil
}

func apply(c *client, ctx context.Context) (string, error) {
	maps := c.typed.CoreV1().ConfigMaps(c.namespace)
	_, err := maps.Apply(ctx, v1.ConfigMap("applied", c.namespace).WithData(map[string]string{"k": "1"}),
		meta.ApplyOptions{FieldManager: "first"})
	if err != nil {
		return "", err
	}
	other := v1.ConfigMap("applied", c.namespace).WithData(map[string]string{"k": "2"})
	_, conflict := maps.Apply(ctx, other, meta.ApplyOptions{FieldManager: "second"})
	forced, err := maps.Apply(ctx, other, meta.ApplyOptions{FieldManager: "second", Force: true})
	if err != nil {
		return "", err
	}
	seen := fmt.Sprint(conflict, "; forced: ", forced.Data["k"], " managers: ", len(forced.ManagedFields))
	return seen, maps.Delete(ctx, "applied", meta.DeleteOptions{})
}

func dynamicClient(c *client, ctx context.Context) (string, error) {
	nodes, err := c.dynamic.Resource(schema.GroupVersionResource{Version: "v1", Resource: "nodes"}).List(ctx, meta.ListOptions{})
	if err != nil {
		return "", err
	}
	seen := nodes.GetKind()
	for _, node := range nodes.Items {
		seen += " " + node.GetName()
	}
	maps := c.dynamic.Resource(configMaps).Namespace(c.namespace)
	made, err := maps.Create(ctx, &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": "dynamic"},
		"data": map[string]any{"k": "1"}}}, meta.CreateOptions{})
	if err != nil {
		return seen, err
	}
	return seen + fmt.Sprint(" ", made.Object["data"]), maps.Delete(ctx, "dynamic", meta.DeleteOptions{})
}

func metadataClient(c *client, ctx context.Context) (string, error) {
	pods := schema.GroupVersionResource{Version: "v1", Resource: "pods"}
	got, err := c.metadata.Resource(pods).Namespace(c.namespace).Get(ctx, c.pod, meta.GetOptions{})
	if err != nil {
		return "", err
	}
	list, err := c.metadata.Resource(pods).Namespace(c.namespace).List(ctx, meta.ListOptions{})
	if err != nil {
		return "", err
	}
	return fmt.Sprint(got.Name, " ", got.Labels, " of ", len(list.Items)), nil
}

func scale(c *client, ctx context.Context) (string, error) {
	sets, none := c.binary.AppsV1().ReplicaSets(c.namespace), int32(0)
	labels := map[string]string{"app": "scaled"}
	_, err := sets.Create(ctx, &apps.ReplicaSet{ObjectMeta: meta.ObjectMeta{Name: "scaled"}, Spec: apps.ReplicaSetSpec{
		Replicas: &none, Selector: &meta.LabelSelector{MatchLabels: labels},
		Template: core.PodTemplateSpec{ObjectMeta: meta.ObjectMeta{Labels: labels},
			Spec: core.PodSpec{Containers: []core.Container{{Name: "main", Image: "example.test/none"}}}}}}, meta.CreateOptions{})
	if err != nil {
		return "", err
	}
	_, err = sets.UpdateScale(ctx, "scaled", &autoscaling.Scale{
		ObjectMeta: meta.ObjectMeta{Name: "scaled", Namespace: c.namespace},
		Spec:       autoscaling.ScaleSpec{Replicas: 1}}, meta.UpdateOptions{})
	if err != nil {
		return "", err
	}
	got, err := sets.GetScale(ctx, "scaled", meta.GetOptions{})
	if err != nil {
		return "", err
	}
	now := int64(0)
	return fmt.Sprint(got.Spec.Replicas, got.Status.Selector),
		sets.Delete(ctx, "scaled", meta.DeleteOptions{GracePeriodSeconds: &now})
}

func accessReview(c *client, ctx context.Context) (string, error) {
	seen := ""
	for _, verb := range []string{"get", "create"} {
		review, err := c.typed.AuthorizationV1().SelfSubjectAccessReviews().Create(ctx,
			&authorization.SelfSubjectAccessReview{Spec: authorization.SelfSubjectAccessReviewSpec{
				ResourceAttributes: &authorization.ResourceAttributes{
					Namespace: c.namespace, Verb: verb, Resource: "pods", Subresource: "exec"}}}, meta.CreateOptions{})
		if err != nil {
			return seen, err
		}
		seen += fmt.Sprint(verb, " ", review.Status.Allowed, " ")
	}
	return seen, nil
}

// refusals: that the server's own Status reaches the client unchanged.
func refusals(c *client, ctx context.Context) (string, error) {
	maps, seen := c.typed.CoreV1().ConfigMaps(c.namespace), ""
	say := func(err error) {
		var status *apierrors.StatusError
		if errors.As(err, &status) {
			err = fmt.Errorf("%d %s %s", status.ErrStatus.Code, status.ErrStatus.Reason, status.ErrStatus.Message)
		}
		seen += fmt.Sprint(err, "; ")
	}
	_, err := maps.Get(ctx, "no-such", meta.GetOptions{})
	say(err)
	_, err = maps.Create(ctx, configMap("page-1", nil), meta.CreateOptions{})
	say(err)
	_, err = maps.Create(ctx, configMap("Not A Name", nil), meta.CreateOptions{})
	say(err)
	stale := configMap("page-1", nil)
	stale.ResourceVersion = "1"
	_, err = maps.Update(ctx, stale, meta.UpdateOptions{})
	say(err)
	_, err = maps.Watch(ctx, meta.ListOptions{ResourceVersion: "not-a-number"})
	say(err)
	err = c.typed.RESTClient().Get().AbsPath("/apis/no.such.group/v1/things").Do(ctx).Error()
	say(err)
	return seen, nil
}

func deleteCollection(c *client, ctx context.Context) (string, error) {
	maps, ours := c.typed.CoreV1().ConfigMaps(c.namespace), meta.ListOptions{LabelSelector: "by=client-go"}
	if err := maps.DeleteCollection(ctx, meta.DeleteOptions{}, ours); err != nil {
		return "", err
	}
	left, err := maps.List(ctx, ours)
	if err != nil {
		return "", err
	}
	return fmt.Sprint(len(left.Items), " left"), nil
}
