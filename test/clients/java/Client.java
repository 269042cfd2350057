// Uses a cluster with the Java client fabric8 and prints what it sees, one line an operation: operation, "ok" or the
// failure, and what was seen without what differs from run to run (times, versions, ids).
// usage: java Client NAMESPACE POD; $KUBECONFIG names the cluster.  POD runs `sh` and has logged "one" and "two".

import io.fabric8.kubernetes.api.model.ConfigMap;
import io.fabric8.kubernetes.api.model.ConfigMapBuilder;
import io.fabric8.kubernetes.api.model.ListOptionsBuilder;
import io.fabric8.kubernetes.api.model.Status;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.fabric8.kubernetes.client.LocalPortForward;
import io.fabric8.kubernetes.client.dsl.ContainerResource;
import io.fabric8.kubernetes.client.dsl.ExecWatch;
import io.fabric8.kubernetes.client.dsl.LogWatch;
import io.fabric8.kubernetes.client.dsl.base.PatchContext;
import io.fabric8.kubernetes.client.dsl.base.PatchType;
import io.fabric8.kubernetes.client.extended.leaderelection.LeaderCallbacks;
import io.fabric8.kubernetes.client.extended.leaderelection.LeaderElectionConfigBuilder;
import io.fabric8.kubernetes.client.extended.leaderelection.LeaderElector;
import io.fabric8.kubernetes.client.extended.leaderelection.resourcelock.LeaseLock;
import io.fabric8.kubernetes.client.informers.ResourceEventHandler;
import io.fabric8.kubernetes.client.informers.SharedIndexInformer;
import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;

public class Client {
  static final int OPERATION_SECONDS_MAX = 30;
  static final Map<String, String> OURS = Map.of("by", "java");

  final KubernetesClient kubernetes = new KubernetesClientBuilder().build();
  final String namespace;
  final String pod;

  Client(String namespace, String pod) {
    this.namespace = namespace;
    this.pod = pod;
  }

  Map<String, Callable<Object>> operations() {
    Map<String, Callable<Object>> all = new LinkedHashMap<>();
    all.put("version", () -> kubernetes.getKubernetesVersion().getGitVersion());
    all.put("discovery", this::discovery);
    all.put("objects", this::objects);
    all.put("list", () -> names(kubernetes.nodes().list().getItems()));
    all.put("list in pages", this::pages);
    all.put("refusals", this::refusals);
    all.put("deletecollection", this::deleteCollection);
    all.put("informer", this::informer);
    all.put("leader election", this::leaderElection);
    all.put("exec", () -> execute(false, "echo out; echo err >&2; exit 7"));
    all.put("exec with input", () -> execute(true, "read -r line; echo got $line"));
    all.put("port-forward", this::forward);
    all.put("logs", () -> kubernetes.pods().inNamespace(namespace).withName(pod).getLog());
    all.put("logs followed", this::followed);
    return all;
  }

  ConfigMap configMap(String name, String value) {
    return new ConfigMapBuilder().withNewMetadata().withName(name).withNamespace(namespace).withLabels(OURS)
        .endMetadata().withData(Map.of("k", value)).build();
  }

  static List<String> names(List<? extends io.fabric8.kubernetes.api.model.HasMetadata> items) {
    return items.stream().map(item -> item.getMetadata().getName()).toList();
  }

  List<String> ours() {
    return names(kubernetes.configMaps().inNamespace(namespace).withLabels(OURS).list().getItems());
  }

  Object discovery() {
    List<String> seen = new ArrayList<>();
    kubernetes.getApiGroups().getGroups().forEach(group -> seen.add(group.getName()));
    kubernetes.getApiResources("v1").getResources().forEach(resource -> seen.add(resource.getName() + resource.getVerbs()));
    return seen;
  }

  Object objects() {
    List<Object> seen = new ArrayList<>();
    seen.add(kubernetes.resource(configMap("crud", "1")).create().getData());
    seen.add(kubernetes.resource(configMap("crud", "2")).update().getData());
    var crud = kubernetes.configMaps().inNamespace(namespace).withName("crud");
    seen.add(crud.edit(map -> new ConfigMapBuilder(map).addToData("k", "3").build()).getData()); // a JSON patch
    seen.add(crud.patch(PatchContext.of(PatchType.JSON_MERGE), "{\"data\":{\"k\":\"4\"}}").getData());
    seen.add(crud.patch(PatchContext.of(PatchType.STRATEGIC_MERGE), "{\"data\":{\"k\":\"5\"}}").getData());
    seen.add(kubernetes.resource(configMap("crud", "6")).forceConflicts().serverSideApply().getData());
    seen.add(crud.get().getData());
    crud.delete();
    seen.add(ours());
    return seen;
  }

  Object pages() {
    for (int i = 0; i < 5; i++) {
      kubernetes.resource(configMap("page-" + i, "")).create();
    }
    List<Object> seen = new ArrayList<>();
    String next = null;
    do {
      var page = kubernetes.configMaps().inNamespace(namespace).withLabels(OURS)
          .list(new ListOptionsBuilder().withLimit(2L).withContinue(next).build());
      seen.add(names(page.getItems()));
      next = page.getMetadata().getContinue();
    } while (next != null && !next.isEmpty());
    return seen;
  }

  Object refusals() {
    List<Object> seen = new ArrayList<>();
    List<Runnable> calls = List.of(
        () -> kubernetes.resource(configMap("page-1", "")).create(),
        () -> kubernetes.resource(configMap("Not A Name", "")).create(),
        () -> kubernetes.resource(configMap("no-such", "")).patch("[{\"op\":\"remove\",\"path\":\"/data\"}]"));
    for (Runnable call : calls) {
      try {
        call.run();
        seen.add("not refused");
      } catch (KubernetesClientException refused) {
        Status status = refused.getStatus();
        seen.add(refused.getCode() + " " + status.getReason() + " " + status.getMessage());
      }
    }
    seen.add(kubernetes.configMaps().inNamespace(namespace).withName("no-such").get());
    return seen;
  }

  Object deleteCollection() {
    kubernetes.configMaps().inNamespace(namespace).withLabels(OURS).delete();
    return ours();
  }

  /** What was there, what comes, changes and goes; each event asks for the next change. */
  Object informer() throws Exception {
    kubernetes.resource(configMap("before", "0")).create();
    List<String> seen = new ArrayList<>();
    CompletableFuture<Void> ended = new CompletableFuture<>();
    ExecutorService changes = Executors.newSingleThreadExecutor(); // a handler may not wait for the server
    ResourceEventHandler<ConfigMap> handler = new ResourceEventHandler<>() {
      private void saw(String event, ConfigMap map, Runnable change) {
        seen.add(event + " " + map.getMetadata().getName() + map.getData());
        changes.execute(change);
      }

      @Override
      public void onAdd(ConfigMap map) {
        boolean before = map.getMetadata().getName().equals("before");
        saw("added", map, () -> {
          if (before) {
            kubernetes.resource(configMap("made", "1")).create();
          } else {
            kubernetes.resource(configMap("made", "2")).update();
          }
        });
      }

      @Override
      public void onUpdate(ConfigMap old, ConfigMap map) {
        saw("updated", map, () -> kubernetes.resource(map).delete());
      }

      @Override
      public void onDelete(ConfigMap map, boolean unknown) {
        saw("deleted", map, () -> ended.complete(null));
      }
    };
    try (SharedIndexInformer<ConfigMap> informer =
        kubernetes.configMaps().inNamespace(namespace).withLabels(OURS).inform(handler)) {
      ended.get(OPERATION_SECONDS_MAX, TimeUnit.SECONDS);
    } finally {
      changes.shutdown();
    }
    deleteCollection();
    return seen;
  }

  Object leaderElection() throws Exception {
    CompletableFuture<Void> leads = new CompletableFuture<>();
    LeaderElector elector = kubernetes.leaderElector().withConfig(new LeaderElectionConfigBuilder()
        .withName("java").withLock(new LeaseLock(namespace, "java", "me")).withReleaseOnCancel(true)
        .withLeaseDuration(Duration.ofSeconds(15)).withRenewDeadline(Duration.ofSeconds(10))
        .withRetryPeriod(Duration.ofMillis(200))
        .withLeaderCallbacks(new LeaderCallbacks(() -> leads.complete(null), () -> {}, leader -> {}))
        .build()).build();
    CompletableFuture<?> running = elector.start();
    leads.get(OPERATION_SECONDS_MAX, TimeUnit.SECONDS);
    var lease = kubernetes.leases().inNamespace(namespace).withName("java");
    String holder = lease.get().getSpec().getHolderIdentity();
    running.cancel(true);
    // This client lets go of a lease by making it one of a second; the holder stays.
    lease.waitUntilCondition(held -> held.getSpec().getLeaseDurationSeconds() == 1, OPERATION_SECONDS_MAX, TimeUnit.SECONDS);
    lease.delete();
    return "held by " + holder + ", then released";
  }

  /** WebSocket's older sub-protocols cannot end the input: `read` takes the one line. */
  Object execute(boolean input, String command) throws Exception {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    ByteArrayOutputStream err = new ByteArrayOutputStream();
    ContainerResource container = kubernetes.pods().inNamespace(namespace).withName(pod).inContainer("main");
    var streams = (input ? container.readingInput(new ByteArrayInputStream("a line\n".getBytes())) : container)
        .writingOutput(out).writingError(err);
    try (ExecWatch running = streams.exec("sh", "-c", command)) {
      int code = running.exitCode().get(OPERATION_SECONDS_MAX, TimeUnit.SECONDS);
      return "out " + out + " err " + err + " exit " + code;
    }
  }

  /** To a port of the pod, which the test bed's node connects to the same port of loopback, where we listen. */
  Object forward() throws Exception {
    try (ServerSocket listener = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      Thread echo = new Thread(() -> {
        try (Socket peer = listener.accept()) {
          peer.getInputStream().transferTo(peer.getOutputStream());
        } catch (Exception ended) {
          // what it did not send is what the other side misses
        }
      });
      echo.setDaemon(true);
      echo.start();
      byte[] sent = "forwarded ".repeat(5000).getBytes();
      var target = kubernetes.pods().inNamespace(namespace).withName(pod);
      try (LocalPortForward forwarded = target.portForward(listener.getLocalPort());
          Socket through = new Socket(forwarded.getLocalAddress(), forwarded.getLocalPort())) {
        through.setSoTimeout(OPERATION_SECONDS_MAX * 1000);
        through.getOutputStream().write(sent);
        byte[] received = through.getInputStream().readNBytes(sent.length);
        return "the same: " + java.util.Arrays.equals(sent, received) + " errors: " + forwarded.getServerThrowables();
      }
    }
  }

  Object followed() throws Exception {
    try (LogWatch log = kubernetes.pods().inNamespace(namespace).withName(pod).watchLog();
        BufferedReader lines = new BufferedReader(new InputStreamReader(log.getOutput()))) {
      return List.of(lines.readLine(), lines.readLine());
    }
  }

  /** One line without tabs, short: what is long is named by its hash. */
  static String digest(Object seen) throws Exception {
    String text = String.valueOf(seen).replace("\n", "\\n").replace("\t", "\\t").replace("\r", "\\r");
    if (text.length() <= 400) {
      return text;
    }
    byte[] hash = MessageDigest.getInstance("SHA-256").digest(text.getBytes());
    return text.substring(0, 60) + "... " + text.length() + " characters " + HexFormat.of().formatHex(hash);
  }

  public static void main(String[] args) throws Exception {
    Client client = new Client(args[0], args[1]);
    for (var operation : client.operations().entrySet()) {
      String verdict = "ok";
      String seen = "";
      try {
        seen = digest(operation.getValue().call());
      } catch (Exception failure) {
        verdict = digest(failure);
      }
      System.out.println(operation.getKey() + "\t" + verdict + "\t" + seen);
    }
    System.exit(0); // whatever a failed operation left open
  }
}
