// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0
import { once } from 'node:events';
import { createServer, type Server } from 'node:https';
import { type AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { type KubeObject } from '@clusternet/api-types';
import { CertificateAuthority } from '@clusternet/pki';

/** What a webhook makes of an object: refuses it, or changes it by JSON patch operations; nothing lets it pass. */
export type Verdict = { refuse: string } | { patch: object[] } | undefined;

interface AdmissionReview {
  request: { uid: string; operation: string; object: KubeObject };
}

/** A mutating admission webhook as real API servers call it. */
export class AdmissionWebhook {
  /** Objects that it was asked about, in order, as `<caller>/<name>`. */
  readonly calls: string[] = [];
  readonly #server: Server;
  readonly #caPem: string;

  private constructor(server: Server, caPem: string, judge: (object: KubeObject) => Verdict) {
    this.#server = server;
    this.#caPem = caPem;
    server.on('request', (request, response) => {
      void (json(request) as Promise<AdmissionReview>).then(({ request: { uid, object } }) => {
        this.calls.push(`${(request.url ?? '').slice(1).split('?')[0]}/${object.metadata.name}`);
        response.setHeader('content-type', 'application/json');
        response.end(
          JSON.stringify({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response: answer(uid, judge(object)) }),
        );
      });
    });
  }

  static async start(judge: (object: KubeObject) => Verdict): Promise<AdmissionWebhook> {
    const authority = await CertificateAuthority.create('webhook');
    const pair = await authority.issue({ names: ['webhook'], hosts: ['127.0.0.1'] });
    const server = createServer(pair);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new AdmissionWebhook(server, authority.cert, judge);
  }

  /** What makes the API server of `caller` ask this webhook about the ConfigMaps of a namespace. */
  configuration(caller: string, namespace: string): KubeObject {
    const { port } = this.#server.address() as AddressInfo;
    return {
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: 'MutatingWebhookConfiguration',
      metadata: { name: 'e2e' },
      webhooks: [
        {
          name: 'e2e.example.com',
          clientConfig: { url: `https://127.0.0.1:${port}/${caller}`, caBundle: Buffer.from(this.#caPem).toString('base64') },
          rules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE', 'UPDATE'], resources: ['configmaps'] }],
          namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': namespace } },
          admissionReviewVersions: ['v1'],
          sideEffects: 'None',
          failurePolicy: 'Fail',
        },
      ],
    };
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

function answer(uid: string, verdict: Verdict): object {
  if (verdict === undefined) return { uid, allowed: true };
  if ('refuse' in verdict) return { uid, allowed: false, status: { message: verdict.refuse } };
  const patch = Buffer.from(JSON.stringify(verdict.patch)).toString('base64');
  return { uid, allowed: true, patchType: 'JSONPatch', patch };
}
