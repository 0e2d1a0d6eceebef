// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

/** Lines to paste into a shell: they work whether or not kubectl is on its PATH, and wherever the clusters keep their files. */
export function invitation(o: {
  kubectl: string;
  node: string;
  /** The program behind `kubectl clusternet`. */
  plugin: string;
  parent: string;
  children: readonly { name: string; kubeconfigPath: string }[];
  /** Kubeconfig of the first child through the parent. */
  visit: string;
}): string {
  const clusters = [{ name: 'parent', kubeconfigPath: o.parent }, ...o.children, { name: 'visit', kubeconfigPath: o.visit }];
  const aliases = clusters.map(
    ({ name, kubeconfigPath }) => `  alias ${name}=${quoted(`${quoted(o.kubectl)} --kubeconfig ${quoted(kubeconfigPath)}`)}`,
  );
  const templates = `CLUSTERNET_KUBECTL=${quoted(o.kubectl)} ${quoted(o.node)} ${quoted(o.plugin)} --kubeconfig ${quoted(o.parent)}`;
  return `${aliases.join('\n')}
  alias templates=${quoted(templates)}

  templates -n shop scale deployment web --replicas 5    # kubectl clusternet …
  ${o.children[0]?.name ?? 'parent'} -n shop get pods                      # five of them, in every child
  visit -n shop get pods                       # the first child once more, with the login of the parent, through its tunnel
  parent get subs shop -o yaml                 # status of each feed in each cluster
  parent delete subs shop                      # and all of it is gone
`;
}

/** The text as one word of a POSIX shell; plain words stay as they are. */
function quoted(text: string): string {
  return /^[\w./:=@%+-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
