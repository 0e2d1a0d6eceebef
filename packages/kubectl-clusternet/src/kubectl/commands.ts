// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

/** kubectl's commands that make sense for templates, with what they do there. */
export const templateCommands: Readonly<Record<string, string>> = {
  get: 'display one or many templates',
  describe: 'show details of templates',
  create: 'create templates from files, standard input or generators',
  apply: 'apply files or standard input to templates',
  edit: 'edit templates in your editor',
  patch: 'change fields of templates',
  replace: 'replace templates by files or standard input',
  set: 'change images, environment and other single things of templates',
  delete: 'delete templates',
  diff: 'show what apply would change',
  label: 'change labels of templates',
  annotate: 'change annotations of templates',
  scale: 'set the replicas of templates',
  autoscale: 'create the template of a HorizontalPodAutoscaler',
  expose: 'create the template of a Service',
  run: 'create the template of a Pod',
  rollout: 'pause, resume and restart of templates',
  explain: 'tell about the fields of kinds',
  'api-resources': 'list the kinds there are',
  'api-versions': 'list the API versions there are',
  wait: 'wait for a condition of templates',
  kustomize: 'build a kustomization',
  options: 'list the flags that all of these take',
};

/** kubectl's commands that need a running cluster: a child, named by `--cluster-id`. */
export const childCommands: Readonly<Record<string, string>> = {
  exec: 'run a command in a container',
  logs: 'print the logs of a container',
  'port-forward': 'forward local ports to a pod',
  attach: 'attach to a running container',
  cp: 'copy files to and from containers',
  debug: 'debug pods and nodes',
  top: 'show resource usage',
  events: 'list events',
  proxy: 'run a proxy to the API server',
  auth: 'ask about rights',
  'cluster-info': 'tell about the cluster',
  cordon: 'mark a node as unschedulable',
  uncordon: 'mark a node as schedulable',
  drain: 'empty a node for maintenance',
  taint: 'change taints of nodes',
  certificate: 'approve or deny certificate requests',
};

/** Commands that ask no server. */
export const localCommands: ReadonlySet<string> = new Set(['kustomize', 'options']);

/** True for a command that kubectl carries out. */
export function isKubectlCommand(name: string): boolean {
  return Object.hasOwn(templateCommands, name) || Object.hasOwn(childCommands, name);
}
