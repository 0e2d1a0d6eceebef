// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type User, isObject, type JsonObject, StatusError } from '@clusternet/apiserver';
import { type Access, type ParentAccess } from './access.ts';

/**
 * Checks that nobody grants in a namespace that the parent does not have what he does not hold himself.
 *
 * @remarks
 * In a real namespace the parent checks this. In the stand-in the user has a few rights more than his own, so that the parent's check does not
 * suffice there.
 * @throws StatusError 403
 */
export async function checkGrant(o: {
  access: ParentAccess;
  user: User;
  namespace: string;
  document: JsonObject;
}): Promise<void> {
  const { access, user, namespace, document } = o;
  const group = 'rbac.authorization.k8s.io';
  const { roleRef, rules } = document;
  if (document['kind'] === 'RoleBinding' && isObject(roleRef)) {
    const { kind, name } = roleRef;
    const resource = kind === 'ClusterRole' ? 'clusterroles' : 'roles';
    await access.require(user, { verb: 'bind', group, resource, namespace, name: String(name) });
  }
  if (document['kind'] !== 'Role') return;
  if (await access.may(user, { verb: 'escalate', group, resource: 'roles', namespace })) return;
  for (const wanted of (Array.isArray(rules) ? rules : []).filter(isObject).flatMap((rule) => accessesOf(rule, namespace))) {
    if (await access.may(user, wanted)) continue;
    const what = `${wanted.verb} ${wanted.group === '' ? wanted.resource : `${wanted.resource}.${wanted.group}`}`;
    throw new StatusError(
      403,
      `roles.${group} is forbidden: user ${JSON.stringify(user.name)} is attempting to grant RBAC permissions not currently held: ${what}`,
      { details: { group, kind: 'roles' } },
    );
  }
}

function accessesOf(rule: JsonObject, namespace: string): Access[] {
  const names = texts(rule['resourceNames']);
  return texts(rule['verbs']).flatMap((verb) =>
    texts(rule['apiGroups']).flatMap((group) =>
      texts(rule['resources']).flatMap((resource) =>
        (names.length > 0 ? names : [undefined]).map((name) => ({
          verb,
          group,
          resource,
          namespace,
          ...(name !== undefined && { name }),
        })),
      ),
    ),
  );
}

function texts(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
}
