// Uses a cluster with the JavaScript client and prints what it sees, one line an operation: operation, "ok" or the
// failure, and what was seen without what differs from run to run (times, versions, ids).
// usage: node client.js NAMESPACE POD; $KUBECONFIG names the cluster.  POD runs `sh` and has logged "one" and "two".

import { createHash } from 'node:crypto';
import { once } from 'node:events';
import net from 'node:net';
import { PassThrough, Readable, Writable } from 'node:stream';
import * as k8s from '@kubernetes/client-node';

const operationMilliseconds = 30000;
const [namespace, pod] = process.argv.slice(2);
const kubeconfig = new k8s.KubeConfig();
kubeconfig.loadFromDefault();
const core = kubeconfig.makeApiClient(k8s.CoreV1Api);
const ours = { namespace, labelSelector: 'by=javascript' };
const watchPath = `/api/v1/namespaces/${namespace}/configmaps`;
const container = 'main';

const configMap = (name, data) => ({ metadata: { name, labels: { by: 'javascript' } }, data });
const names = (list) => list.items.map((item) => item.metadata.name);

class Collected extends Writable {
  text = '';
  _write(chunk, _, done) {
    this.text += chunk;
    this.emit('more');
    done();
  }
}

async function refusal(call) {
  try {
    return `not refused: ${await call}`;
  } catch (error) {
    const status = JSON.parse(error.body);
    return [error.code, status.reason, status.message, status.details];
  }
}

async function execute(command, { input, tty = false } = {}) {
  const out = new Collected();
  const err = new Collected();
  const stdin = input === undefined ? null : Readable.from([input]);
  const status = await new Promise((resolve, reject) => {
    new k8s.Exec(kubeconfig)
      .exec(namespace, pod, container, ['sh', '-c', command], out, err, stdin, tty, resolve)
      .catch(reject);
  });
  return [out.text, err.text, status.status, status.reason, status.details?.causes];
}

const operations = {
  version: async () => (await kubeconfig.makeApiClient(k8s.VersionApi).getCode()).gitVersion,

  discovery: async () => [
    (await kubeconfig.makeApiClient(k8s.ApisApi).getAPIVersions()).groups.map((group) => group.name),
    (await core.getAPIResources()).resources.map((resource) => resource.name),
  ],

  objects: async () => {
    const seen = [(await core.createNamespacedConfigMap({ namespace, body: configMap('crud', { k: '1' }) })).data];
    seen.push((await core.replaceNamespacedConfigMap({ namespace, name: 'crud', body: configMap('crud', { k: '2' }) })).data);
    const body = [{ op: 'replace', path: '/data/k', value: '3' }];
    seen.push((await core.patchNamespacedConfigMap({ namespace, name: 'crud', body })).data);
    seen.push((await core.readNamespacedConfigMap({ namespace, name: 'crud' })).data);
    await core.deleteNamespacedConfigMap({ namespace, name: 'crud' });
    seen.push(names(await core.listNamespacedConfigMap(ours)));
    return seen;
  },

  'server-side apply': async () => {
    const objects = k8s.KubernetesObjectApi.makeApiClient(kubeconfig);
    const applied = { apiVersion: 'v1', kind: 'ConfigMap', ...configMap('applied', { k: '1' }) };
    applied.metadata.namespace = namespace;
    const made = await objects.patch(applied, undefined, undefined, 'javascript', true, k8s.PatchStrategy.ServerSideApply);
    await objects.delete(applied);
    return [made.data, made.metadata.managedFields.map((field) => [field.manager, field.operation])];
  },

  list: async () => [names(await core.listNode()), names(await core.listNamespacedPod({ namespace }))],

  'list in pages': async () => {
    for (let i = 0; i < 5; i++) {
      await core.createNamespacedConfigMap({ namespace, body: configMap(`page-${i}`) });
    }
    const seen = [];
    let page;
    do {
      page = await core.listNamespacedConfigMap({ ...ours, limit: 2, _continue: page?.metadata._continue });
      seen.push(names(page));
    } while (page.metadata._continue);
    return seen;
  },

  refusals: async () => [
    await refusal(core.readNamespacedConfigMap({ namespace, name: 'no-such' })),
    await refusal(core.createNamespacedConfigMap({ namespace, body: configMap('page-1') })),
    await refusal(core.createNamespacedConfigMap({ namespace, body: configMap('Not A Name') })),
  ],

  deletecollection: async () => {
    await core.deleteCollectionNamespacedConfigMap(ours);
    return names(await core.listNamespacedConfigMap(ours));
  },

  informer: async () => {
    await core.createNamespacedConfigMap({ namespace, body: configMap('before', { k: '0' }) });
    const informer = k8s.makeInformer(kubeconfig, watchPath, () => core.listNamespacedConfigMap(ours), ours.labelSelector);
    const seen = [];
    const ended = new Promise((resolve, reject) => {
      const next = {
        'add before': () => core.createNamespacedConfigMap({ namespace, body: configMap('made', { k: '1' }) }),
        'add made': () => core.replaceNamespacedConfigMap({ namespace, name: 'made', body: configMap('made', { k: '2' }) }),
        'update made': () => core.deleteNamespacedConfigMap({ namespace, name: 'made' }),
        'delete made': resolve,
      };
      for (const event of ['add', 'update', 'delete']) {
        informer.on(event, (object) => {
          seen.push([event, object.metadata.name, object.data]);
          Promise.resolve(next[`${event} ${object.metadata.name}`]?.()).catch(reject);
        });
      }
      informer.on('error', reject);
    });
    await informer.start();
    await ended;
    await informer.stop();
    await core.deleteCollectionNamespacedConfigMap(ours);
    return seen;
  },

  'watch that the server ends': async () => {
    const error = await new Promise((resolve, reject) => {
      const query = { labelSelector: 'by=nobody', timeoutSeconds: 1 };
      new k8s.Watch(kubeconfig).watch(watchPath, query, (type) => reject(new Error(type)), resolve).catch(reject);
    });
    return error ? String(error) : 'ended';
  },

  exec: () => execute('echo out; echo err >&2; exit 7'),

  // WebSocket's older sub-protocols cannot end the input: `read` takes the one line.
  'exec with input': () => execute('read -r line; echo got $line', { input: 'a line\n' }),

  'exec with a terminal': () => execute('test -t 0 && echo terminal', { input: '', tty: true }),

  // To a port of the pod, which the test bed's node connects to the same port of loopback, where we listen.
  'port-forward': async () => {
    const echo = net.createServer((socket) => socket.pipe(socket)).listen(0, '127.0.0.1');
    await once(echo, 'listening');
    const out = new Collected();
    const input = new PassThrough();
    const sent = 'forwarded '.repeat(5000);
    const socket = await new k8s.PortForward(kubeconfig).portForward(namespace, pod, [echo.address().port], out, null, input);
    input.write(sent);
    while (out.text.length < sent.length) {
      await once(out, 'more');
    }
    socket.close();
    echo.close();
    return out.text === sent;
  },

  logs: async () => core.readNamespacedPodLog({ namespace, name: pod }),

  'logs followed': async () => {
    const out = new Collected();
    const controller = await new k8s.Log(kubeconfig).log(namespace, pod, container, out, { follow: true });
    while (out.text.split('\n').length <= 2) {
      await once(out, 'more');
    }
    controller.abort();
    return out.text;
  },
};

// One line without tabs, short: what is long is named by its hash.
function digest(seen) {
  const text = JSON.stringify(seen) ?? '';
  if (text.length <= 400) {
    return text;
  }
  return `${text.slice(0, 60)}... ${text.length} characters ${createHash('sha256').update(text).digest('hex')}`;
}

for (const [name, run] of Object.entries(operations)) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not within ${operationMilliseconds} ms`)), operationMilliseconds);
  });
  try {
    console.log(`${name}\tok\t${digest(await Promise.race([run(), late]))}`);
  } catch (failure) {
    console.log(`${name}\t${digest(failure.message ?? String(failure))}\t`);
  }
  clearTimeout(timer);
}
process.exit(0); // whatever a failed operation left open
