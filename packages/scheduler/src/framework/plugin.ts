// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type FeedInventory, type FeedOrder, type ManagedCluster, type Subscription } from '@clusternet/api-types';
import { type Logger } from '@clusternet/runtime';
import { type CycleState } from './cycleState.ts';
import { type Status } from './status.ts';

/** The highest score of one cluster after NormalizeScore. */
export const MAX_CLUSTER_SCORE = 100;

/** A cluster in the snapshot of a decision. */
export interface ClusterInfo {
  /** `namespace/name`, as in `status.bindingClusters`. */
  readonly key: string;
  readonly cluster: ManagedCluster;
}

/** Score of one cluster. */
export interface ClusterScore {
  cluster: string;
  score: number;
}

/** Where a Subscription goes. */
export interface TargetClusters {
  /** Clusters as `namespace/name`, ascending. */
  bindingClusters: string[];
  /** Replicas per feed key, in the order of `bindingClusters`; `[]` for feeds without replicas; absent for Replication. */
  replicas?: Record<string, number[]>;
  /** What could not be placed, in whole sentences without a full stop; empty when all is placed. */
  shortfalls?: string[];
}

/** One feed that has replicas, with what one of them needs. */
export interface ReplicaFeed {
  key: string;
  order: FeedOrder;
  desired: number;
}

/** A cluster that passed all filters, as Assign plugins get it. */
export interface FeasibleCluster extends ClusterInfo {
  /** Sum of the weighted scores. */
  score: number;
  /** Whether it takes no more replicas than it has. */
  frozen: boolean;
  /** How many more replicas it can take, per feed key; absent where nothing was predicted. */
  predicted?: FeedReplicas;
}

/** How many more replicas fit, per feed key. */
export type FeedReplicas = Readonly<Record<string, number>>;

/** One decision, as plugins see it. Nothing in it may be changed. */
export interface Cycle {
  readonly subscription: Subscription;
  /** Replicas of the feeds; present for Dividing. */
  readonly inventory?: FeedInventory;
  /** Feeds with replicas, in the order of the spec; empty for Replication. */
  readonly feeds: readonly ReplicaFeed[];
  readonly state: CycleState;
  readonly now: Date;
  /** Aborted when the decision is given up. */
  readonly signal: AbortSignal;
  /** Whether the Subscription is bound to the cluster now. */
  isBound(cluster: string): boolean;
  /** Replicas of a feed in a cluster now. */
  currentReplicas(feedKey: string, cluster: string): number;
}

/** What a plugin may return at once or later. */
export type MaybePromise<T> = T | Promise<T>;

type Answer = MaybePromise<Status | undefined | void>;

export interface PreFilterPlugin {
  /** Looks at the Subscription before any cluster: `Unschedulable` ends the decision, `Skip` leaves out this plugin's Filter. */
  preFilter(cycle: Cycle): Answer;
}
export interface FilterPlugin {
  /** `Unschedulable` leaves the cluster out, for the reasons given. */
  filter(cycle: Cycle, cluster: ClusterInfo): Answer;
}
export interface PostFilterPlugin {
  /** Runs when no cluster passed; its reasons are added to what the user is told. */
  postFilter(cycle: Cycle, rejected: ReadonlyMap<string, Status>): Answer;
}
export interface PrePredictPlugin {
  /** `Skip` leaves out all predictions. */
  prePredict(cycle: Cycle, clusters: readonly ClusterInfo[]): Answer;
}
export interface PredictPlugin {
  /** How many more replicas of each feed fit; a status other than Success leaves the cluster out, `Wait` puts the decision off. */
  predict(cycle: Cycle, cluster: ClusterInfo): MaybePromise<{ replicas: FeedReplicas } | Status>;
}
export interface PreScorePlugin {
  /** `Skip` leaves out this plugin's Score. */
  preScore(cycle: Cycle, clusters: readonly ClusterInfo[]): Answer;
}
export interface ScorePlugin {
  score(cycle: Cycle, cluster: ClusterInfo): MaybePromise<number>;
  /** Brings the scores into 0 to {@link MAX_CLUSTER_SCORE}, in place. */
  normalizeScore?(cycle: Cycle, scores: ClusterScore[]): Answer;
}
export interface PreAssignPlugin {
  /** Last look before Assign; anything but Success and Skip ends the decision. */
  preAssign(cycle: Cycle, clusters: readonly FeasibleCluster[]): Answer;
}
export interface AssignPlugin {
  /** Divides the replicas; `Skip` leaves that to the next plugin. */
  assign(cycle: Cycle, clusters: readonly FeasibleCluster[]): MaybePromise<TargetClusters | Status>;
}
export interface PostAssignPlugin {
  /** Sees what was assigned; anything but Success ends the decision. */
  postAssign(cycle: Cycle, targets: TargetClusters): Answer;
}
export interface ReservePlugin {
  /** Sets aside what the decision needs; anything but Success gives the decision up, and `unreserve` of all is called. */
  reserve(cycle: Cycle, targets: TargetClusters): Answer;
  /** Takes back; must be safe without a `reserve` before. */
  unreserve(cycle: Cycle, targets: TargetClusters): void;
}
export interface PermitPlugin {
  /** `Wait` holds the binding back until `allow` or `reject` of the waiting Subscription, at most `timeoutMs` (15 minutes if absent). */
  permit(cycle: Cycle, targets: TargetClusters): MaybePromise<(Status & { timeoutMs?: number }) | undefined | void>;
}
export interface PreBindPlugin {
  preBind(cycle: Cycle, targets: TargetClusters): Answer;
}
export interface BindPlugin {
  /** Writes the binding; `Skip` leaves that to the next plugin. */
  bind(cycle: Cycle, targets: TargetClusters): Answer;
}
export interface PostBindPlugin {
  postBind(cycle: Cycle, targets: TargetClusters): MaybePromise<void>;
}

/** Everything a plugin may do; it takes part in the extension points whose methods it has and in which its profile enables it. */
export interface Plugin extends Partial<
  PreFilterPlugin &
    FilterPlugin &
    PostFilterPlugin &
    PrePredictPlugin &
    PredictPlugin &
    PreScorePlugin &
    ScorePlugin &
    PreAssignPlugin &
    AssignPlugin &
    PostAssignPlugin &
    ReservePlugin &
    PermitPlugin &
    PreBindPlugin &
    BindPlugin &
    PostBindPlugin
> {
  readonly name: string;
}

/** Extension points by the names of the configuration file, each with the method that a plugin needs for it. */
export const extensionPoints = [
  'preFilter',
  'filter',
  'postFilter',
  'prePredict',
  'predict',
  'preScore',
  'score',
  'preAssign',
  'assign',
  'postAssign',
  'reserve',
  'permit',
  'preBind',
  'bind',
  'postBind',
] as const;
export type ExtensionPoint = (typeof extensionPoints)[number];

/** A Subscription whose binding waits for a Permit plugin. */
export interface WaitingSubscription {
  readonly subscription: Subscription;
  /** Plugins that it waits for. */
  readonly pending: readonly string[];
  allow(plugin: string): void;
  reject(plugin: string, message: string): void;
}

/** What a plugin is made with. */
export interface FrameworkHandle {
  /** Profile that the plugin is made for. */
  readonly schedulerName: string;
  readonly logger: Logger;
  /** All clusters, ascending by key. */
  clusters(): readonly ClusterInfo[];
  /** The Subscription `namespace/name`, if its binding waits for a Permit plugin. */
  waiting(subscription: string): WaitingSubscription | undefined;
  /** Puts a Subscription into the queue, for plugins that learn from elsewhere that something has changed. */
  activate(subscription: string): void;
}

/** Makes a plugin for one profile from its `args` in the configuration; throws what the user is told when they are wrong. */
export type PluginFactory = (args: unknown, handle: FrameworkHandle) => MaybePromise<Plugin>;

/** Plugin factories by the name of the plugin; what an out-of-tree module exports as `plugins`. */
export type PluginRegistry = Readonly<Record<string, PluginFactory>>;
