"""The table: what kubectl is asked to do, by operation.

A step is a command line of kubectl's; it runs straight at the cluster and through mk8s, and both must say and return the same.
{ns}, {shared}, {node}, {csr} and {tmp} stand for names of the way's own."""

import dataclasses

from . import objects as made


@dataclasses.dataclass(frozen=True)
class Step:
    """One command and the exit code that it has straight at the cluster.  `live` ones do not end by themselves: they are
    [action, argument] pairs that the runner performs while the command runs, which is then ended as by Ctrl-C."""
    line: str
    code: int = 0
    stdin: str | None = None
    env: tuple = ()
    shell: bool = False  # not kubectl: a command beside it
    live: tuple = ()
    any_order: bool = False  # the API server itself gives the lines in no particular order


@dataclasses.dataclass(frozen=True)
class Differs:
    """A difference by design, by the named way (or both) and in the versions from `since` to `until`."""
    why: str
    pattern: str  # what the last step must say through mk8s
    way: str = ""
    since: int = 0
    until: int = 99


@dataclasses.dataclass(frozen=True, eq=False)
class Case:
    operation: str  # a row of docs/compatibility.md
    name: str
    steps: tuple
    objects: tuple = ()  # found in the way's own namespace at the start
    files: dict = dataclasses.field(default_factory=dict)  # in the working directory, with the same places filled in
    since: int = 20  # the first kubectl 1.N of those tested that has the command
    differs: tuple = ()
    broken: tuple = ()  # (first, last, why): versions for which the command fails straight at the cluster, too
    shared: bool = False  # only reads, and that in the one namespace that all ways share


def k(line, code=0, **more):
    return Step(line, code, **more)


def sh(line, code=0):
    return Step(line, code, shell=True)


def steps_of(given):
    return tuple(step if isinstance(step, Step) else Step(step) for step in given)


def own(operation, *steps, name="", **more):
    """A case of several steps, in a namespace of its way's own."""
    return Case(operation, name or operation, steps_of(steps), **more)


def reads(operation, *lines, **more):
    """One case for each command line, on the shared namespace."""
    return [Case(operation, step.line, (step,), shared=True, **more) for step in steps_of(lines)]


WEB = """apiVersion: apps/v1
kind: Deployment
metadata: {name: applied, labels: {tier: front}}
spec:
  replicas: 0
  selector: {matchLabels: {app: applied}}
  template:
    metadata: {labels: {app: applied}}
    spec: {containers: [{name: main, image: example.test/one}]}
"""
ROLE = """apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: reconciled, namespace: {ns}}
rules: [{apiGroups: [""], resources: [pods], verbs: [get]}]
"""


def settings(name, colour, labels="{}"):
    return f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}, labels: {labels}}}\ndata: {{colour: {colour}}}\n"


NO_PREFIX = ("kubectl before 1.34 leaves the path of the server's address out of `--raw` requests, so they ask the gateway and no "
             "cluster.")
WHOAMI = "The identity is the user's own in mk8s: the e-mail, with the groups `mk8s:users` and `mk8s:role:ROLE`."
MYSELF = r"Username +user\d+@example\.com\nGroups +\[mk8s:users"
CAN_I_LIST = "The rules are those of the user's roles in mk8s, which decide, and not those of the cluster's RBAC."
NOT_YET_FINAL = "Ephemeral containers were not final yet: the cluster does not know this version's request."
GONE_ALREADY = "It fails for an object that is gone already."
OLD_REVIEW = "It asks for a version of the API that the cluster has no more, and fails straight at the cluster."
OLD_WHOAMI = f"{WHOAMI} {OLD_REVIEW} mk8s answers all the same."

GET = [
    *reads("get", "get pods", "get pods -o wide", "get pods -o yaml", "get pods -o json --chunk-size=2", "get pods -A -l logs=yes",
           "get pods --show-labels --sort-by=.metadata.name", "get deploy,svc,cm", "get all", "get cm/settings cm/other -o name",
           "get pods --field-selector=metadata.name=box -o jsonpath={.items[*].spec.nodeName}",
           "get cm -o custom-columns=NAME:.metadata.name,COLOUR:.data.colour", "get nodes -l compat", "get crd",
           "get node compat-node -o go-template={{.metadata.name}}", "get namespace {shared}", "get pods -l no=such",
           k("get pod missing", 1), k("get nosuchthings", 1), k("get pods --field-selector=no.such=field", 1)),
    *reads("get --subresource", "get deploy web --subresource=scale", since=24),
    own("get -w", k("get configmaps -w -l watched=yes -o name", 1, live=(
        ("direct", "create configmap seen"), ("direct", "label configmap seen watched=yes"), ("expect", "configmap/seen"),
        ("direct", "delete configmap seen"), ("direct", "create -f last.yaml"), ("expect", "configmap/last"))),
        files={"last.yaml": settings("last", "blue", "{watched: 'yes'}")}),
]

DESCRIBE = reads("describe", "describe pod box", "describe deployment web", "describe service web", "describe node compat-node",
                 "describe configmap settings", "describe namespace {shared}", k("describe pod missing", 1))

LOGS = reads("logs", "logs chatty", "logs chatty --tail=3 --timestamps", "logs chatty --since=1h", "logs chatty --limit-bytes=20",
             "logs -l logs=yes --prefix", "logs deployment/web", "logs -f finished", "logs chatty --all-containers",
             k("logs chatty -p", 1), k("logs chatty -c nosuch", 1), k("logs missing", 1))

STREAMS = [
    *reads("exec", k("exec box -- sh -c 'echo out; echo err >&2; exit 7'", 7), k("exec -i box -- wc -c", stdin="x" * 300_000),
           "exec svc/server -- true", "exec -it box -c main -- echo no terminal here", k("exec box -c nosuch -- true", 1),
           k("exec missing -- true", 1), k("exec box -- /no/such/program", 1)),
    own("attach", k("attach -i asks", stdin="hello\n"), "logs asks", objects=(
        made.pod("asks", "read word; echo got $word", container={"stdin": True, "stdinOnce": True}, restartPolicy="Never"),)),
    own("cp", sh("rm -rf in back && mkdir -p source/deep in && head -c 300000 /dev/urandom >source/deep/blob && echo hello >source/text"),
        "cp source box:{tmp}/in/", "cp -c main box:{tmp}/in/source back", sh("diff -r source back"), shared=True),
    *reads("port-forward", k("port-forward pod/server :80", live=(("echo", ""),)),
           k("port-forward svc/server :80", live=(("echo", ""),)), k("port-forward pod/missing :80", 1)),
]

APPLY = [
    own("apply", "apply -f web.yaml", "apply -f web.yaml", sh("sed -i s,example.test/one,example.test/two, web.yaml"),
        "apply -f web.yaml --dry-run=server", "apply -f web.yaml", "apply view-last-applied deploy/applied",
        "get deploy applied -o jsonpath={.spec.template.spec.containers[0].image}", k("apply -f -", 1, stdin="nothing: here\n"),
        "apply -f .", files={"web.yaml": WEB}),
    own("apply --server-side, with a conflict", "apply --server-side --field-manager=one -f cm.yaml",
        "apply --server-side --field-manager=one -f cm.yaml", sh("sed -i s/blue/green/ cm.yaml"),
        k("apply --server-side --field-manager=two -f cm.yaml", 1),
        "apply --server-side --field-manager=two -f cm.yaml --force-conflicts", "get cm applied -o jsonpath={.data.colour}",
        files={"cm.yaml": settings("applied", "blue")}),
]

CREATE = [
    own("create", "create configmap made --from-literal=a=b", k("create configmap made --from-literal=a=b", 1),
        "create secret generic hidden --from-literal=p=w", "create -f cm.yaml", k("create -f cm.yaml", 1),
        "create deployment fresh --image=example.test/one --replicas=0", "create job task --image=example.test/one",
        "create role looks --verb=get --resource=pods", "create quota few --hard=secrets=100", "create serviceaccount robot",
        "create configmap imagined --dry-run=server -o yaml", k("create -f -", 1, stdin="{}"), k("create -f bad.yaml", 1),
        files={"cm.yaml": settings("created", "blue"), "bad.yaml": settings("Not_A_Name", "blue")}),
    own("create token", "create serviceaccount bot", "create token bot", since=24),
    own("replace", "replace -f cm.yaml", k("replace -f missing.yaml", 1), "replace --force -f cm.yaml",
        objects=(made.config_map("replaced"),),
        files={"cm.yaml": settings("replaced", "green"), "missing.yaml": settings("missing", "green")}),
    own("run -i --rm", k("run once --image=example.test/none -i --rm --quiet --command -- sh -c 'read word; echo got $word'",
                         stdin="hello\n")),
    own("expose", "expose deployment shown --port=80 --target-port=8080", "get svc shown -o jsonpath={.spec.ports}",
        k("expose deployment shown --port=80", 1), objects=(made.deployment("shown"),)),
]

DELETE = [
    own("delete", "delete configmap away", k("delete configmap away", 1), "delete configmap away --ignore-not-found",
        "delete pod away", "delete -f cm.yaml", "delete configmap -l going=yes", "delete deployment gone --cascade=orphan",
        "delete pod forced --grace-period=0 --force", "delete configmap later --wait=false", "delete configmap dry --dry-run=server",
        objects=(made.config_map("away"), made.pod("away"), made.config_map("byfile"), made.config_map("one", {"going": "yes"}),
                 made.config_map("two", {"going": "yes"}), made.deployment("gone"), made.pod("forced"), made.config_map("later"),
                 made.config_map("dry")), files={"cm.yaml": settings("byfile", "blue")}),
    own("delete --all", "delete podtemplates --all", "get podtemplates",
        objects=tuple(made.pod_template(name) for name in ("one", "two", "three"))),
]

CHANGE = [
    own("edit", k("edit configmap edited", env=(("KUBE_EDITOR", "sed -i s/blue/green/"),)),
        "get configmap edited -o jsonpath={.data.colour}", k("edit configmap edited", env=(("KUBE_EDITOR", "true"),)),
        k("edit configmap missing", 1, env=(("KUBE_EDITOR", "true"),)), objects=(made.config_map("edited"),)),
    own("patch", """patch configmap patched -p '{"data":{"colour":"red"}}'""",
        """patch configmap patched --type=json -p '[{"op":"remove","path":"/data/colour"}]'""",
        k("""patch configmap patched --type=json -p '[{"op":"remove","path":"/data/colour"}]'""", 1),
        """patch configmap patched --type=merge -p '{"data":{"size":"big"}}' -o yaml""",
        k("""patch deployment patched -p '{"spec":{"replicas":-1}}'""", 1), k("patch configmap missing -p '{}'", 1),
        objects=(made.config_map("patched"), made.deployment("patched"))),
    own("label", "label configmap labelled a=b", k("label configmap labelled a=c", 1), "label configmap labelled a=c --overwrite",
        "label configmap labelled a-", k("label configmap labelled 'a=not valid'", 1), objects=(made.config_map("labelled"),)),
    own("annotate", "annotate configmap noted a='two words'", "annotate configmap noted a-",
        "get configmap noted -o jsonpath={.metadata.annotations}", objects=(made.config_map("noted"),)),
    own("set image, env, resources", "set image deployment/set main=example.test/two", "set env deployment/set A=b",
        "set resources deployment/set --limits=cpu=1", k("set image deployment/set nosuch=x", 1),
        "get deployment set -o jsonpath={.spec.template.spec.containers}", objects=(made.deployment("set"),)),
    own("taint", "taint node {node} example.test/more=yes:NoSchedule", "taint node {node} example.test/more-"),
]

SCALE = [
    own("scale, autoscale", "scale deployment scaled --replicas=1", k("scale deployment scaled --replicas=0 --current-replicas=5", 1),
        "scale deployment scaled --replicas=0 --current-replicas=1", k("scale deployment missing --replicas=1", 1),
        "autoscale deployment scaled --max=3 --cpu-percent=80", objects=(made.deployment("scaled"),)),
    own("rollout status, history, undo, restart, pause", "rollout status deployment/turned --timeout=60s",
        "set image deployment/turned main=example.test/two", "rollout status deployment/turned --timeout=60s",
        "rollout history deployment/turned", "rollout history deployment/turned --revision=2", "rollout undo deployment/turned",
        "rollout status deployment/turned --timeout=60s", "rollout restart deployment/turned", "rollout pause deployment/turned",
        "rollout resume deployment/turned", k("rollout undo deployment/turned --to-revision=99", 1),
        objects=(made.deployment("turned", 1),)),
]

NODES = [
    own("drain, cordon, uncordon", "cordon {node}", "get node {node}", k("drain {node}", 1),
        "drain {node} --force --ignore-daemonsets", k("get pod victim", 1), "uncordon {node}", "drain {node} --dry-run=server",
        objects=(made.pod("victim", nodeName="{node}"),)),
    *reads("top (the cluster has no metrics API: its error)", k("top pods", 1), k("top nodes", 1)),
    own("debug (ephemeral container, copy)", "debug sick --image=example.test/none -c doctor -- true",
        "get pod sick -o jsonpath={.spec.ephemeralContainers[*].command}",
        "debug sick --image=example.test/none --copy-to=copy -c nurse -- true", k("debug missing --image=example.test/none", 1),
        objects=(made.pod("sick"),), broken=((20, 20, NOT_YET_FINAL),)),
]

ASK = [
    *reads("wait", "wait pod/box --for=condition=Ready --timeout=30s", k("wait pod/box --for=condition=Nope --timeout=1s", 1),
           k("wait pod/missing --for=condition=Ready --timeout=1s", 1)),
    *reads("wait --for=jsonpath", "wait pod/box --for=jsonpath={.status.phase}=Running --timeout=30s", since=23),
    own("wait --for=delete", "delete pod leaves --wait=false", "wait pod/leaves --for=delete --timeout=30s",
        objects=(made.pod("leaves"),), broken=((20, 20, GONE_ALREADY),)),
    own("diff", k("diff -f cm.yaml", 1), "apply -f cm.yaml", "diff -f cm.yaml", k("diff -f new.yaml", 1),
        k("diff --server-side -f cm.yaml", 1), objects=(made.config_map("compared"),),
        files={"cm.yaml": settings("compared", "green"), "new.yaml": settings("new", "green")}),
    *reads("auth can-i", "auth can-i create pods", "auth can-i get pods/log", "auth can-i '*' '*' -A", "auth can-i get /healthz",
           "auth can-i get nosuchthings"),
    *reads("auth can-i --list", "auth can-i --list", differs=(Differs(CAN_I_LIST, r"\*\.\* "),)),
    *reads("auth whoami", "auth whoami", since=27, broken=((27, 27, OLD_REVIEW),),
           differs=(Differs(OLD_WHOAMI, MYSELF, until=27), Differs(WHOAMI, MYSELF, since=28))),
    own("auth reconcile", "auth reconcile -f role.yaml", "auth reconcile -f role.yaml", files={"role.yaml": ROLE}),
    own("certificate approve, deny", "get csr {csr} -o jsonpath={.status}", "certificate approve {csr}",
        "wait csr {csr} --for=condition=Approved --timeout=30s", k("certificate deny {csr}", 1), k("certificate approve missing", 1)),
]

ABOUT = [
    *reads("api-resources", k("api-resources", any_order=True), k("api-resources --api-group=apps -o wide", any_order=True)),
    *reads("api-versions", "api-versions"),
    *reads("version", "version -o json"),
    *reads("cluster-info", "cluster-info"),
    *reads("explain", "explain pod.spec.containers", "explain deployment.spec --recursive", k("explain nosuchthings", 1)),
    *reads("get --raw", "get --raw /api/v1/namespaces/{shared}/configmaps/settings", "get --raw /version", "get --raw /healthz",
           "get --raw /apis/apps/v1", "get --raw '/api/v1/namespaces/{shared}/pods?limit=1'",
           k("get --raw /api/v1/namespaces/{shared}/pods/missing", 1),
           differs=(Differs(NO_PREFIX, r'could not find the requested resource|gateway|^{"version":"[\d.]+"}\s*$', until=33),)),
    *reads("get events", "get events --sort-by=.metadata.name"),
    *reads("events", "events", "events --for pod/box", since=26),
    *reads("proxy --append-server-path", k("proxy --port=0 --append-server-path", -2, live=(
        ("fetch", "/api/v1/namespaces/{shared}/configmaps/settings"), ("fetch", "/version"),
        ("fetch", "/api/v1/namespaces/{shared}/pods/missing"))), since=27),
]

CASES = [*GET, *DESCRIBE, *LOGS, *STREAMS, *APPLY, *CREATE, *DELETE, *CHANGE, *SCALE, *NODES, *ASK, *ABOUT]
