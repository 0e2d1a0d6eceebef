// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

/** API groups served by, or installed with, Clusternet. */
export const groups = {
  clusters: 'clusters.clusternet.io',
  apps: 'apps.clusternet.io',
  proxies: 'proxies.clusternet.io',
  /** Aggregated group in which objects meant for children live in their original form. */
  shadow: 'shadow',
  multicluster: 'multicluster.x-k8s.io',
} as const;

/** The one version of each group. */
export const versions = {
  clusters: 'v1beta1',
  apps: 'v1alpha1',
  proxies: 'v1alpha1',
  shadow: 'v1alpha1',
  multicluster: 'v1alpha1',
} as const;

/** Categories for `kubectl get <category>`. */
export const categories = { clusternet: 'clusternet', shadow: 'clusternet.shadow' } as const;

/** Label keys. */
export const labels = {
  /** Which component made an object; see {@link createdBy}. */
  createdBy: 'clusternet.io/created-by',
  registeredBy: 'clusters.clusternet.io/registered-by',
  clusterId: 'clusters.clusternet.io/cluster-id',
  clusterName: 'clusters.clusternet.io/cluster-name',
  bootstrapping: 'clusters.clusternet.io/bootstrapping',
  configGroup: 'apps.clusternet.io/config.group',
  configVersion: 'apps.clusternet.io/config.version',
  configKind: 'apps.clusternet.io/config.kind',
  configName: 'apps.clusternet.io/config.name',
  configNamespace: 'apps.clusternet.io/config.namespace',
  configUid: 'apps.clusternet.io/config.uid',
  subsName: 'apps.clusternet.io/subs.name',
  subsNamespace: 'apps.clusternet.io/subs.namespace',
  subsUid: 'apps.clusternet.io/subs.uid',
  /** On the records of a Helm release in a child: the dedicated namespace of who deployed it, a hash of the HelmRelease's name, and one of all that went in. */
  releaseOwner: 'apps.clusternet.io/release-owner',
  releaseHash: 'apps.clusternet.io/release',
  inputsHash: 'apps.clusternet.io/inputs',
  /** `true` on the records of a Helm release that somebody else had installed. */
  releaseAdopted: 'apps.clusternet.io/adopted',
  /** Name and namespace of the exported Service, on ServiceImports and copied EndpointSlices. */
  multiClusterServiceName: 'services.clusternet.io/multi-cluster-service-name',
  multiClusterServiceNamespace: 'services.clusternet.io/multi-cluster-service-namespace',
} as const;

/** Prefix of the child node labels that are carried to the ManagedCluster unless flags say otherwise. */
export const nodeLabelPrefix = 'node.clusternet.io/';

/** Values of {@link labels.createdBy}. */
export const createdBy = {
  hub: 'clusternet-hub',
  controllerManager: 'clusternet-controller-manager',
  agent: 'clusternet-agent',
} as const;

/** Values of {@link labels.bootstrapping}. */
export const bootstrapping = { rbacDefaults: 'rbac-defaults', credentialsAuto: 'credentials-auto' } as const;

/** Annotation keys. */
export const annotations = {
  /** `<dedicated namespace>.<description>`: who deployed an object in a child. The namespace ends at the first dot. */
  ownedByDescription: 'apps.clusternet.io/owned-by-description',
  /** Hash of what was applied last, to tell whether another write is needed. */
  appliedHash: 'apps.clusternet.io/applied-hash',
  /** `"true"`: the object existed before the deployer took it; it is released, not deleted. */
  adopted: 'apps.clusternet.io/adopted',
  /** `namespace/name` of the HelmChart that a HelmRelease was made from. */
  helmChart: 'apps.clusternet.io/helm-chart',
  /** Digest of the archive of a chart, `sha256:HEX`, on HelmReleases and on the HelmCharts inside of Descriptions. */
  chartDigest: 'apps.clusternet.io/chart-digest',
  /** `"false"`: an RBAC object or Secret is left as it is by the next ensure. */
  autoUpdate: 'clusternet.io/autoupdate',
  /** Hash of a held scheduling decision that the user lets through. */
  approvePlan: 'apps.clusternet.io/approve-plan',
  /** On a Base: names of Localizations, with commas between, without which it must not be rendered. */
  awaitsLocalizations: 'apps.clusternet.io/awaits-localizations',
  /** On an object or HelmChart: JSON pointer to its replicas (for a chart, in the values), for kinds that are not known to have any. */
  replicasPath: 'apps.clusternet.io/replicas-path',
  /** On a HelmChart: how many replicas are to be divided. */
  replicas: 'apps.clusternet.io/replicas',
  /** On an object or HelmChart: what one replica needs, as the JSON of `replicaRequirements` of a FeedInventory. */
  replicaRequirements: 'apps.clusternet.io/replica-requirements',
  /** Thumbprint of the key a child registered with, on its dedicated namespace. */
  publicKeyThumbprint: 'clusters.clusternet.io/public-key-thumbprint',
  /** On the Lease of the heartbeats: `caHash` of the CA of the parent that the hub has written into the registration. */
  parentCaHash: 'clusters.clusternet.io/parent-ca-hash',
  /** On the agent's Lease: cluster id to use instead of the Lease's UID. */
  legacyClusterId: 'legacy-cluster-id',
  /** Reason why the deletion of a Manifest or HelmChart is blocked. */
  feedProtection: 'apps.clusternet.io/feed-protection',
  /** `"true"`: the shadow API skips dry-run, validation, defaulting and trimming. */
  skipValidating: 'apps.clusternet.io/skip-validating',
  skipClusterInit: 'clusters.clusternet.io/skip-cluster-init',
  clusterInitBase: 'apps.clusternet.io/cluster-init-base',
  isDefaultClusterInit: 'apps.clusternet.io/is-default-cluster-init',
  /**
   * On a Description, JSON of feed keys and hashes: the objects that stay as they are deployed while the feed and its
   * overrides of policy ApplyNow have this hash.
   */
  renderedFrom: 'apps.clusternet.io/rendered-from',
  /** On a Description: number of the revision of its Subscription that it holds. */
  revision: 'apps.clusternet.io/revision',
  /** On a Description: hash of all that this revision was rendered from. */
  revisionInputs: 'apps.clusternet.io/revision-inputs',
  /** On a Description, JSON: the revisions that the cluster had before, each with the ControllerRevision that keeps it. */
  revisionHistory: 'apps.clusternet.io/revision-history',
  /** On a Description, JSON: what an undo left, until a feed or an override of it changes. */
  undone: 'apps.clusternet.io/undone',
  /** On a Subscription, JSON: revisions to go back to, by dedicated namespace or `*`. */
  rolloutUndo: 'apps.clusternet.io/rollout-undo',
  /** On a Subscription, JSON or YAML: which clusters get a change first. */
  rollout: 'apps.clusternet.io/rollout',
  /** On a Subscription, `"true"`: no cluster gets changes. */
  rolloutPaused: 'apps.clusternet.io/rollout-paused',
  /** On a Subscription: the change, by its hash, that may go to all clusters. */
  rolloutApproved: 'apps.clusternet.io/rollout-approved',
  /** Written by upstream's deployers as the base of their three-way merge; ours removes it. */
  lastAppliedConfiguration: 'clusternet.io/last-applied-configuration',
} as const;

/** Finalizers. */
export const finalizers = {
  /** Ordered teardown, on every kind that has something to clean up. */
  default: 'apps.clusternet.io/finalizer',
  /** Blocks the deletion of a Manifest or HelmChart that a Subscription feeds on. */
  feedProtection: 'apps.clusternet.io/feed-protection',
} as const;

/** Taint keys on ManagedClusters. */
export const taints = {
  /** The cluster is not ready. */
  unschedulable: 'clusters.clusternet.io/unschedulable',
  /** Initialisation of the cluster is pending. */
  initialization: 'clusters.clusternet.io/initialization',
  /** With NoExecute: the cluster has been silent for so long that workloads leave it. */
  unreachable: 'clusters.clusternet.io/unreachable',
  /** With NoExecute: the API server of the cluster has failed its checks for so long that workloads leave it. */
  notReady: 'clusters.clusternet.io/not-ready',
  /** Set by people: nothing new is placed there (NoSchedule), and what is there leaves (NoExecute). */
  cordoned: 'clusters.clusternet.io/cordoned',
} as const;

/** Fixed names of objects and namespaces, and prefixes of generated ones. */
export const names = {
  systemNamespace: 'clusternet-system',
  reservedNamespace: 'clusternet-reserved',
  multiClusterServiceNamespace: 'clusternet-mcs',
  /** Before the cluster id in the names of a child's CRR, ClusterRole and ClusterRoleBinding; before the suffix of its namespace. */
  prefix: 'clusternet-',
  childClusterDeployer: 'child-cluster-deployer',
  /** Secret in the dedicated namespace by which the hub may speak in a caller's name; its agent makes it when the child consents. */
  childClusterVisitor: 'child-cluster-visitor',
  /** Secret in the dedicated namespace with the repository credentials of the charts that its agent deploys. */
  chartCredentials: 'helm-chart-credentials',
  parentCluster: 'parent-cluster',
  clusterRegistrationSecret: 'clusternet-agent-cluster-registration',
  agent: 'clusternet-agent',
  hub: 'clusternet-hub',
  scheduler: 'clusternet-scheduler',
  overrideEngine: 'clusternet-override-engine',
  appDeployer: 'clusternet-app-deployer',
  /** Lease in the dedicated namespace that the hub makes and the agent renews: it is there. */
  heartbeatLease: 'clusternet-heartbeat',
  managedClusterRole: 'clusternet-managedcluster-role',
  hubProxy: 'clusternet-hub-proxy',
  bootstrapUse: 'cluster-bootstrap-use',
  /** `spec.schedulerName` of a Subscription that names none. */
  defaultScheduler: 'default',
} as const;

/** Keys of the Secrets with cluster credentials. */
export const secretKeys = {
  caCertificate: 'ca.crt',
  token: 'token',
  serviceAccountName: 'service-account.name',
  serviceAccountUid: 'service-account.uid',
  apiserverUrl: 'apiserver-advertise-url',
  namespace: 'namespace',
  /** Input of the registration. */
  parentUrl: 'parentURL',
  registrationToken: 'regToken',
} as const;

/** Names of the feature gates. */
export const featureGates = {
  socketConnection: 'SocketConnection',
  appPusher: 'AppPusher',
  recovery: 'Recovery',
  predictor: 'Predictor',
  multiClusterService: 'MultiClusterService',
  deployer: 'Deployer',
  clusterInit: 'ClusterInit',
  shadowApi: 'ShadowAPI',
  feedInUseProtection: 'FeedInUseProtection',
  feedInventory: 'FeedInventory',
  failOver: 'FailOver',
  feasibleClustersToleration: 'FeasibleClustersToleration',
} as const;

/** Condition types. */
export const conditionTypes = {
  /** ManagedCluster: the child's API server answers. */
  ready: 'Ready',
  /** ManagedCluster: the initial workload is there. */
  clusterInit: 'ClusterInit',
  /** Subscription: it is bound to clusters. */
  scheduled: 'Scheduled',
  /** Base or Description: every feed was found and rendered. */
  rendered: 'Rendered',
  /** Description: every object is in its cluster. Localization or Globalization: it is in what its clusters receive. */
  applied: 'Applied',
  /** Subscription: every cluster has the newest change; only with a staged rollout, or while paused. */
  rolledOut: 'RolledOut',
  /** Subscription: every feed is in every bound cluster. */
  deployed: 'Deployed',
  /** ManagedCluster: whether the hub deploys to it; absent where that is the agent's work. */
  parentDeploys: 'ParentDeploys',
  /** ManagedCluster: the tunnel of its agent is up. */
  connected: 'Connected',
} as const;

/** Reasons of the conditions of a ManagedCluster. */
export const conditionReasons = {
  managedClusterReady: 'ManagedClusterReady',
  managedClusterNotReady: 'ManagedClusterNotReady',
  clusterStatusNeverUpdated: 'ClusterStatusNeverUpdated',
  clusterStatusUnknown: 'ClusterStatusUnknown',
  clusterInitDisabled: 'ClusterInitDisabled',
  clusterInitWaiting: 'ClusterInitWaiting',
  clusterInitDone: 'ClusterInitDone',
} as const;

/** Field managers of server-side apply, one per writer. */
export const fieldManagers = {
  hub: 'clusternet-hub',
  scheduler: 'clusternet-scheduler',
  agent: 'clusternet-agent',
  deployer: 'clusternet-deployer',
  overrideEngine: 'clusternet-override-engine',
  /** Of the objects deployed into children. */
  applied: 'clusternet',
} as const;
