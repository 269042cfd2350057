"""Uses a cluster with the Python client and prints what it sees, one line an operation: operation, "ok" or the failure,
and what was seen without what differs from run to run (times, versions, ids).
usage: client.py NAMESPACE POD; $KUBECONFIG names the cluster.  POD runs `sh` and has logged "one" and "two"."""

import hashlib
import json
import sys
import threading

from kubernetes import client, config, dynamic, watch
from kubernetes.client.exceptions import ApiException
from kubernetes.stream import portforward, stream

OPERATION_SECONDS_MAX = 30
NAMESPACE, POD = sys.argv[1:] if len(sys.argv) == 3 else sys.exit(__doc__)
OURS = {"label_selector": "by=python", "_request_timeout": OPERATION_SECONDS_MAX}
core, operations = None, []  # the API, once the kubeconfig is read


def operation(name):
    def add(function):
        operations.append((name, function))
        return function
    return add


def config_map(name, **data):
    return {"metadata": {"name": name, "labels": {"by": "python"}}, "data": data}


@operation("version")
def version():
    return client.VersionApi().get_code().git_version


@operation("discovery")
def discovery():
    groups = client.ApisApi().get_api_versions().groups
    core_resources = core.get_api_resources().resources
    return [g.name for g in groups], [r.name for r in core_resources]


@operation("objects")
def objects():
    seen = [core.create_namespaced_config_map(NAMESPACE, config_map("crud", k="1")).data]
    seen.append(core.replace_namespaced_config_map("crud", NAMESPACE, config_map("crud", k="2")).data)
    seen.append(core.patch_namespaced_config_map("crud", NAMESPACE, {"data": {"k": "3"}}).data)
    seen.append(core.patch_namespaced_config_map(
        "crud", NAMESPACE, [{"op": "replace", "path": "/data/k", "value": "4"}]).data)
    seen.append(core.patch_namespaced_config_map(
        "crud", NAMESPACE, {"apiVersion": "v1", "kind": "ConfigMap", **config_map("crud", k="5")},
        _content_type="application/apply-patch+yaml", field_manager="python", force=True).data)
    seen.append(core.read_namespaced_config_map("crud", NAMESPACE).data)
    core.delete_namespaced_config_map("crud", NAMESPACE)
    seen.append([item.metadata.name for item in core.list_namespaced_config_map(NAMESPACE, **OURS).items])
    return seen


@operation("list")
def list_nodes():
    return [n.metadata.name for n in core.list_node().items], [p.metadata.name for p in core.list_namespaced_pod(NAMESPACE).items]


@operation("list in pages")
def pages():
    for i in range(5):
        core.create_namespaced_config_map(NAMESPACE, config_map(f"page-{i}"))
    seen, following = [], None
    while following != "":
        page = core.list_namespaced_config_map(NAMESPACE, limit=2, _continue=following, **OURS)
        seen.append([item.metadata.name for item in page.items])
        following = page.metadata._continue or ""
    return seen


@operation("refusals")
def refusals():
    def refusal(call, *args):
        try:
            return f"not refused: {call(*args)}"
        except ApiException as refused:
            return refused.status, refused.reason, json.loads(refused.body)
    return [refusal(core.read_namespaced_config_map, "no-such", NAMESPACE),
            refusal(core.create_namespaced_config_map, NAMESPACE, config_map("page-1")),
            refusal(core.create_namespaced_config_map, NAMESPACE, config_map("Not A Name")),
            refusal(core.patch_namespaced_config_map, "page-1", NAMESPACE, {"metadata": {"resourceVersion": "1"}})]


@operation("deletecollection")
def delete_collection():
    core.delete_collection_namespaced_config_map(NAMESPACE, **OURS)
    return [item.metadata.name for item in core.list_namespaced_config_map(NAMESPACE, **OURS).items]


@operation("watch")
def watch_objects():
    """From the list's version on, so that nothing is missed; each event asks for the next change."""
    start = core.list_namespaced_config_map(NAMESPACE, **OURS).metadata.resource_version
    core.create_namespaced_config_map(NAMESPACE, config_map("watched", k="1"))
    seen, watcher = [], watch.Watch()
    for event in watcher.stream(core.list_namespaced_config_map, NAMESPACE, resource_version=start, **OURS):
        seen.append((event["type"], event["object"].metadata.name, event["object"].data))
        if event["type"] == "ADDED":
            core.patch_namespaced_config_map("watched", NAMESPACE, {"data": {"k": "2"}})
        elif event["type"] == "MODIFIED":
            core.delete_namespaced_config_map("watched", NAMESPACE)
        else:
            watcher.stop()
    return seen


@operation("watch that the server ends")
def watch_timeout():
    return list(watch.Watch().stream(core.list_namespaced_config_map, NAMESPACE, label_selector="by=nobody",
                                     timeout_seconds=1, _request_timeout=OPERATION_SECONDS_MAX)), "ended"


@operation("dynamic client")
def dynamic_client():
    maps = dynamic.DynamicClient(client.ApiClient()).resources.get(api_version="v1", kind="ConfigMap")
    made = maps.create(body={"apiVersion": "v1", "kind": "ConfigMap", **config_map("dynamic", k="1")}, namespace=NAMESPACE)
    maps.delete(name="dynamic", namespace=NAMESPACE)
    return made.kind, made.data.to_dict()


def execute(command, **more):
    return stream(core.connect_get_namespaced_pod_exec, POD, NAMESPACE, command=["sh", "-c", command], stdout=True, stderr=True,
                  _request_timeout=OPERATION_SECONDS_MAX, **more)


@operation("exec")
def exec_output():
    return execute("echo one; echo two", stdin=False)


@operation("exec with input")
def exec_input():
    """WebSocket's older sub-protocols cannot end the input: `read` takes the one line."""
    running = execute("read -r line; echo out $line; echo err >&2; exit 7", stdin=True, _preload_content=False)
    running.write_stdin("a line\n")
    running.run_forever(timeout=OPERATION_SECONDS_MAX)
    return running.read_stdout(), running.read_stderr(), running.returncode


@operation("exec with a terminal")
def exec_terminal():
    return execute("test -t 0 && echo terminal", stdin=True, tty=True)


@operation("port-forward")
def forward():
    """To a port of the pod, which the test bed's node connects to the same port of loopback, where we listen."""
    import socket
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

        def echo():
            connection, _ = listener.accept()
            with connection:
                while received := connection.recv(65536):
                    connection.sendall(received)
        threading.Thread(target=echo, daemon=True).start()
        forwarded = portforward(core.connect_get_namespaced_pod_portforward, POD, NAMESPACE, ports=str(port))
        through = forwarded.socket(port)
        through.settimeout(OPERATION_SECONDS_MAX)
        sent, received = b"forwarded " * 5000, b""
        through.sendall(sent)
        while len(received) < len(sent) and (part := through.recv(65536)):
            received += part
        through.close()
        return received == sent, forwarded.error(port)


@operation("logs")
def logs():
    return core.read_namespaced_pod_log(POD, NAMESPACE)


@operation("logs followed")
def logs_followed():
    seen, watcher = [], watch.Watch()
    for line in watcher.stream(core.read_namespaced_pod_log, POD, NAMESPACE, _request_timeout=OPERATION_SECONDS_MAX):
        seen.append(line)
        if len(seen) == 2:
            watcher.stop()
    return seen


def digest(seen):
    """One line without tabs, short: what is long is named by its hash."""
    text = json.dumps(seen, default=str)
    return text if len(text) <= 400 else f"{text[:60]}... {len(text)} characters {hashlib.sha256(text.encode()).hexdigest()}"


def main():
    global core
    config.load_kube_config()
    core = client.CoreV1Api()
    for name, function in operations:
        try:
            verdict, seen = "ok", digest(function())
        except Exception as failure:  # whatever it is, it is this operation's result
            verdict, seen = digest(f"{type(failure).__name__}: {failure}"), ""
        print(name, verdict, seen, sep="\t", flush=True)


if __name__ == "__main__":
    main()
