// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { join } from 'node:path';

/** Where the files of one cluster lie, and the ports it has. */
export interface ClusterLayout {
  name: string;
  /** Position in the set; decides the address ranges. */
  index: number;
  folder: string;
  port: number;
  kwokPort: number;
  etcd: EtcdLayout;
  auditLogPath?: string;
}

/** Where the set's etcd is and lies. */
export interface EtcdLayout {
  folder: string;
  clientPort: number;
  peerPort: number;
}

/** Pod and Service address ranges of a cluster: each cluster has its own, as clusters that are joined should. */
export function addressRanges(index: number): { pods: string; services: string } {
  // 198.18.0.0/15 is set aside for test beds (RFC 2544); 10.x is what real clusters use.
  return { pods: `10.${index % 200}.0.0/16`, services: `198.${18 + (Math.floor(index / 16) % 2)}.${(index % 16) * 16}.0/20` };
}

/** Arguments of the one etcd of a set. */
export function etcdArguments(layout: EtcdLayout): string[] {
  const file = (name: string): string => join(layout.folder, name);
  const client = `https://127.0.0.1:${layout.clientPort}`;
  const peer = `https://127.0.0.1:${layout.peerPort}`;
  return [
    '--name=localup',
    `--data-dir=${file('data')}`,
    `--listen-client-urls=${client}`,
    `--advertise-client-urls=${client}`,
    `--listen-peer-urls=${peer}`,
    `--initial-advertise-peer-urls=${peer}`,
    `--initial-cluster=localup=${peer}`,
    '--client-cert-auth=true',
    `--trusted-ca-file=${file('ca.crt')}`,
    `--cert-file=${file('server.crt')}`,
    `--key-file=${file('server.key')}`,
    '--peer-client-cert-auth=true',
    `--peer-trusted-ca-file=${file('ca.crt')}`,
    `--peer-cert-file=${file('server.crt')}`,
    `--peer-key-file=${file('server.key')}`,
    // The data is thrown away: it may be lost in a power cut, and need not wait for the disk.
    '--unsafe-no-fsync=true',
    '--snapshot-count=10000',
    '--quota-backend-bytes=8589934592',
    '--log-level=warn',
  ];
}

/** Arguments of a kube-apiserver. */
export function apiServerArguments(layout: ClusterLayout): string[] {
  const file = (name: string): string => join(layout.folder, name);
  const etcd = (name: string): string => join(layout.etcd.folder, name);
  return [
    `--etcd-servers=https://127.0.0.1:${layout.etcd.clientPort}`,
    `--etcd-prefix=/${layout.name}`,
    `--etcd-cafile=${etcd('ca.crt')}`,
    `--etcd-certfile=${etcd('client.crt')}`,
    `--etcd-keyfile=${etcd('client.key')}`,
    '--bind-address=127.0.0.1',
    '--advertise-address=127.0.0.1',
    `--secure-port=${layout.port}`,
    // The Service "kubernetes" may not have a loopback address for its endpoint.
    '--endpoint-reconciler-type=none',
    `--tls-cert-file=${file('apiserver.crt')}`,
    `--tls-private-key-file=${file('apiserver.key')}`,
    `--client-ca-file=${file('ca.crt')}`,
    `--kubelet-client-certificate=${file('kubelet-client.crt')}`,
    `--kubelet-client-key=${file('kubelet-client.key')}`,
    '--kubelet-preferred-address-types=InternalIP',
    '--authorization-mode=Node,RBAC',
    '--enable-bootstrap-token-auth=true',
    '--allow-privileged=true',
    '--service-account-issuer=https://kubernetes.default.svc.cluster.local',
    `--service-account-signing-key-file=${file('sa.key')}`,
    `--service-account-key-file=${file('sa.pub')}`,
    `--service-cluster-ip-range=${addressRanges(layout.index).services}`,
    `--requestheader-client-ca-file=${file('front-proxy-ca.crt')}`,
    '--requestheader-allowed-names=front-proxy-client',
    '--requestheader-username-headers=X-Remote-User',
    '--requestheader-group-headers=X-Remote-Group',
    '--requestheader-extra-headers-prefix=X-Remote-Extra-',
    `--proxy-client-cert-file=${file('front-proxy-client.crt')}`,
    `--proxy-client-key-file=${file('front-proxy-client.key')}`,
    '--profiling=false',
    // Without this an orderly end waits a minute for watches that never end by themselves.
    '--shutdown-watch-termination-grace-period=1s',
    ...(layout.auditLogPath === undefined
      ? []
      : [
          `--audit-policy-file=${file('audit-policy.yaml')}`,
          `--audit-log-path=${layout.auditLogPath}`,
          // Written before the answer, so that none is lost and all are there to be counted; never rotated.
          '--audit-log-mode=blocking',
          '--audit-log-maxsize=100000',
        ]),
  ];
}

/** Controllers that have nothing to do where nodes have no disks, no cloud and no metrics. */
const idleControllers = [
  'persistentvolume-binder-controller',
  'persistentvolume-attach-detach-controller',
  'persistentvolume-expander-controller',
  'persistentvolumeclaim-protection-controller',
  'persistentvolume-protection-controller',
  'ephemeral-volume-controller',
  'horizontal-pod-autoscaler-controller',
  'node-ipam-controller',
  'resourceclaim-controller',
];

/** Arguments of a kube-controller-manager. */
export function controllerManagerArguments(layout: ClusterLayout): string[] {
  const file = (name: string): string => join(layout.folder, name);
  return [
    `--kubeconfig=${file('controller-manager.kubeconfig')}`,
    // No health or metrics endpoint: nobody asks for them, and a port less can clash.
    '--secure-port=0',
    '--leader-elect=false',
    '--use-service-account-credentials=true',
    `--service-account-private-key-file=${file('sa.key')}`,
    `--root-ca-file=${file('ca.crt')}`,
    `--cluster-signing-cert-file=${file('ca.crt')}`,
    `--cluster-signing-key-file=${file('ca.key')}`,
    `--controllers=*,bootstrap-signer-controller,token-cleaner-controller,${idleControllers.map((name) => `-${name}`).join(',')}`,
    `--cluster-cidr=${addressRanges(layout.index).pods}`,
    `--service-cluster-ip-range=${addressRanges(layout.index).services}`,
    '--allocate-node-cidrs=false',
    '--kube-api-qps=200',
    '--kube-api-burst=400',
    '--profiling=false',
  ];
}

/** Arguments of a kube-scheduler. */
export function schedulerArguments(layout: ClusterLayout): string[] {
  return [`--config=${join(layout.folder, 'scheduler.yaml')}`, '--secure-port=0'];
}

/** Arguments of kwok, which plays the kubelets of all nodes. */
export function kwokArguments(layout: ClusterLayout): string[] {
  const file = (name: string): string => join(layout.folder, name);
  return [
    `--kubeconfig=${file('kwok.kubeconfig')}`,
    `--config=${file('kwok.yaml')}`,
    '--manage-all-nodes=true',
    '--node-lease-duration-seconds=40',
    `--cidr=${addressRanges(layout.index).pods}`,
    '--node-ip=127.0.0.1',
    `--node-port=${layout.kwokPort}`,
    `--server-address=127.0.0.1:${layout.kwokPort}`,
    `--tls-cert-file=${file('kwok.crt')}`,
    `--tls-private-key-file=${file('kwok.key')}`,
  ];
}
