"""The objects that the cases find in their namespaces when they begin, as manifests."""

NODE = "compat-node"  # of the cases' own, so that no other test's pods come and go on it


def _object(kind, name, api="v1", **fields):
    return {"apiVersion": api, "kind": kind, "metadata": {"name": name}, **fields}


def pod(name, script=None, labels=None, annotations=None, container=None, **spec):
    """A pod that runs `script`, else sleeps.  It is bound to its node, so that nobody schedules it."""
    made = _object("Pod", name, spec={
        "nodeName": NODE, "terminationGracePeriodSeconds": 0,
        "containers": [{"name": "main", "image": "example.test/none", **(container or {}),
                        **({"command": ["sh", "-c", script]} if script else {})}], **spec})
    made["metadata"].update(labels={"app": name, **(labels or {})}, annotations=annotations or {})
    return made


def deployment(name, replicas=0, image="example.test/one"):
    labels = {"app": name}
    return _object("Deployment", name, "apps/v1", spec={
        "replicas": replicas, "selector": {"matchLabels": labels},
        "template": {"metadata": {"labels": labels},
                     "spec": {"nodeName": NODE, "terminationGracePeriodSeconds": 0,
                              "containers": [{"name": "main", "image": image}]}}})


def config_map(name, labels=None, **data):
    made = _object("ConfigMap", name, data=data or {"colour": "blue"})
    made["metadata"]["labels"] = labels or {}
    return made


def service(name):
    return _object("Service", name, spec={"selector": {"app": name}, "ports": [{"port": 80}]})


def pod_template(name):
    return _object("PodTemplate", name, template={"spec": {"containers": [{"name": "main", "image": "example.test/none"}]}})


def node(name):
    """The taint keeps the scheduler from putting other tests' pods there."""
    made = _object("Node", name, spec={"taints": [{"key": "example.test/compat", "effect": "NoSchedule"}]})
    made["metadata"]["labels"] = {"compat": name, "kubernetes.io/hostname": name}
    return made


def shared(echo_port):
    """What every way only reads: one namespace for all, so that the answers can be compared byte by byte."""
    return [
        deployment("web", 2), service("web"), config_map("settings", {"tier": "front"}), config_map("other"),
        pod("chatty", "for i in $(seq 40); do echo line $i; done; echo error >&2; exec sleep infinity",
            {"logs": "yes"}),
        pod("finished", "sleep 1; echo first; echo second", restartPolicy="Never"),
        pod("box"), pod("server", annotations={"testnode/ports": f"80=127.0.0.1:{echo_port}"}), service("server"),
    ]
