import { dirname } from 'node:path';
import type { CredentialFiles } from './credentials.js';

/** Any address does: a single member never dials itself, but etcd insists that it advertises one. */
const NOBODY = 'http://127.0.0.1:1';

/** etcd speaks over Unix sockets in a private directory: no port to lose to somebody else, and nobody else gets in. */
export function etcdFlags(dataDirectory: string, socket: string, peerSocket: string): string[] {
  return [
    '--name=local',
    `--data-dir=${dataDirectory}`,
    `--listen-client-urls=unix://${socket}`,
    `--advertise-client-urls=${NOBODY}`,
    `--listen-peer-urls=unix://${peerSocket}`,
    `--initial-advertise-peer-urls=${NOBODY}`,
    `--initial-cluster=local=${NOBODY}`,
    // The data is thrown away at the end: waiting for the disk would only cost time.
    '--unsafe-no-fsync',
    '--log-level=warn',
  ];
}

export interface ApiServerFlags {
  port: number;
  server: string;
  etcdSocket: string;
  files: CredentialFiles;
  auditPolicyFile: string;
  auditLog: string;
}

export function apiServerFlags(options: ApiServerFlags): string[] {
  const { files } = options;
  return [
    `--etcd-servers=unix://${options.etcdSocket}`,
    '--bind-address=127.0.0.1',
    '--advertise-address=127.0.0.1',
    `--secure-port=${options.port}`,
    `--cert-dir=${dirname(files.servingCertificate)}`,
    `--tls-cert-file=${files.servingCertificate}`,
    `--tls-private-key-file=${files.servingKey}`,
    `--client-ca-file=${files.authority}`,
    `--service-account-issuer=${options.server}`,
    `--service-account-key-file=${files.serviceAccountPublicKey}`,
    `--service-account-signing-key-file=${files.serviceAccountPrivateKey}`,
    '--service-cluster-ip-range=10.0.0.0/24',
    '--authorization-mode=Node,RBAC',
    `--audit-policy-file=${options.auditPolicyFile}`,
    `--audit-log-path=${options.auditLog}`,
    // An answer is only sent once its line is written: a test that has the answer finds the line.
    '--audit-log-mode=blocking',
    // Megabytes; never rotated within a run, so that readers may follow one file.
    '--audit-log-maxsize=100000',
    // Loopback addresses are refused as Endpoints; nobody needs the `kubernetes` Service here.
    '--endpoint-reconciler-type=none',
    '--profiling=false',
    '--shutdown-delay-duration=0s',
  ];
}

/**
 * What makes a cluster feel alive without nodes: ServiceAccounts, namespaces, garbage collection, and what follows from
 * RBAC and admission policies. Everything about pods, nodes and volumes is left out.
 */
const CONTROLLERS = [
  'serviceaccount-controller',
  'serviceaccount-token-controller',
  'root-ca-certificate-publisher-controller',
  'namespace-controller',
  'garbage-collector-controller',
  'clusterrole-aggregation-controller',
  'resourcequota-controller',
  'validatingadmissionpolicy-status-controller',
];

export function controllerManagerFlags(kubeconfig: string, files: CredentialFiles): string[] {
  return [
    `--kubeconfig=${kubeconfig}`,
    `--authentication-kubeconfig=${kubeconfig}`,
    `--authorization-kubeconfig=${kubeconfig}`,
    `--controllers=${CONTROLLERS.join(',')}`,
    `--service-account-private-key-file=${files.serviceAccountPrivateKey}`,
    `--root-ca-file=${files.authority}`,
    // Each controller as itself, so that the audit log tells them apart from those under test.
    '--use-service-account-credentials=true',
    '--secure-port=0',
    '--leader-elect=false',
    '--profiling=false',
    '--namespace-sync-period=10s',
    '--concurrent-namespace-syncs=20',
    '--kube-api-qps=200',
    '--kube-api-burst=400',
  ];
}
