// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type KubeObject } from '@clusternet/api-types';
import { age } from '@clusternet/apiserver';
import {
  at,
  ageColumn,
  boolean,
  countAt,
  createdColumn,
  integer,
  labelText,
  listAt,
  nameColumn,
  numberAt,
  type PrintedColumn,
  selectorText,
  text,
  textAt,
  textsAt,
  wide,
} from './cells.ts';

/** Columns of all other kinds that kube-apiserver prints, by group and kind. */
export const otherPrinters: Record<string, PrintedColumn[]> = {
  '/ConfigMap': [nameColumn, text('Data', (object) => countAt(object, 'data') + countAt(object, 'binaryData')), ageColumn],
  '/Secret': [
    nameColumn,
    text('Type', (object) => textAt(object, 'type')),
    text('Data', (object) => countAt(object, 'data')),
    ageColumn,
  ],
  '/ServiceAccount': [nameColumn, ageColumn],
  '/Namespace': [nameColumn, text('Status', (object) => textAt(object, 'status.phase') || 'Active'), ageColumn],
  '/Service': [
    nameColumn,
    text('Type', (object) => textAt(object, 'spec.type')),
    text(
      'Cluster-IP',
      (object) => textAt(object, 'spec.clusterIP') || (textAt(object, 'spec.type') === 'ExternalName' ? '' : '<none>'),
    ),
    text('External-IP', externalAddress),
    text('Port(s)', (object) => listAt(object, 'spec.ports').map(servicePort).join(',') || '<none>'),
    ageColumn,
    wide(text('Selector', (object) => labelText(at(object, 'spec.selector')))),
  ],
  '/Endpoints': [
    nameColumn,
    text('Endpoints', (object) => {
      const list = listAt(object, 'subsets').flatMap((subset) => {
        const ports = listAt(subset, 'ports');
        const addresses = listAt(subset, 'addresses').map((address) => textAt(address, 'ip'));
        return ports.length === 0 ? addresses : ports.flatMap((port) => addresses.map((ip) => `${ip}:${numberAt(port, 'port')}`));
      });
      return some(list);
    }),
    ageColumn,
  ],
  '/Node': [
    nameColumn,
    text('Status', (object) => (at(object, 'spec.unschedulable') === true ? 'Unknown,SchedulingDisabled' : 'Unknown')),
    text('Roles', (object) => {
      const keys = Object.keys((object.metadata.labels ?? {}) as object).flatMap(
        (key) => /^node-role\.kubernetes\.io\/(.+)$/.exec(key)?.[1] ?? [],
      );
      return keys.toSorted().join(',') || '<none>';
    }),
    ageColumn,
    text('Version', (object) => textAt(object, 'status.nodeInfo.kubeletVersion')),
    ...['Internal-IP', 'External-IP'].map((name) => wide(text(name, () => '<none>'))),
    ...['OS-Image', 'Kernel-Version', 'Container-Runtime'].map((name) => wide(text(name, () => '<unknown>'))),
  ],
  '/Event': events('lastTimestamp', 'involvedObject', 'message'),
  'events.k8s.io/Event': events('deprecatedLastTimestamp', 'regarding', 'note'),
  '/PersistentVolume': [
    nameColumn,
    text('Capacity', (object) => textAt(object, 'spec.capacity.storage')),
    text('Access Modes', accessModes),
    text('Reclaim Policy', (object) => textAt(object, 'spec.persistentVolumeReclaimPolicy')),
    text('Status', (object) => textAt(object, 'status.phase')),
    text('Claim', (object) => {
      const namespace = textAt(object, 'spec.claimRef.namespace');
      return at(object, 'spec.claimRef') === undefined ? '' : `${namespace}/${textAt(object, 'spec.claimRef.name')}`;
    }),
    text('StorageClass', (object) => textAt(object, 'spec.storageClassName')),
    text('VolumeAttributesClass', (object) => textAt(object, 'spec.volumeAttributesClassName') || '<unset>'),
    text('Reason', (object) => textAt(object, 'status.reason')),
    ageColumn,
    wide(text('VolumeMode', (object) => textAt(object, 'spec.volumeMode') || '<unset>')),
  ],
  '/PersistentVolumeClaim': [
    nameColumn,
    text('Status', (object) => textAt(object, 'status.phase')),
    text('Volume', (object) => textAt(object, 'spec.volumeName')),
    text('Capacity', (object) => textAt(object, 'status.capacity.storage')),
    text('Access Modes', (object) => (textAt(object, 'spec.volumeName') === '' ? '' : accessModes(object))),
    text('StorageClass', (object) => textAt(object, 'spec.storageClassName')),
    text('VolumeAttributesClass', (object) => textAt(object, 'spec.volumeAttributesClassName') || '<unset>'),
    ageColumn,
    wide(text('VolumeMode', (object) => textAt(object, 'spec.volumeMode') || '<unset>')),
  ],
  'storage.k8s.io/StorageClass': [
    {
      ...nameColumn,
      cell: ({ metadata }) => {
        const isDefault = metadata.annotations?.['storageclass.kubernetes.io/is-default-class'] === 'true';
        return `${metadata.name ?? ''}${isDefault ? ' (default)' : ''}`;
      },
    },
    text('Provisioner', (object) => textAt(object, 'provisioner')),
    text('ReclaimPolicy', (object) => textAt(object, 'reclaimPolicy') || 'Delete'),
    text('VolumeBindingMode', (object) => textAt(object, 'volumeBindingMode') || '<unset>'),
    text('AllowVolumeExpansion', (object) => at(object, 'allowVolumeExpansion') === true),
    ageColumn,
  ],
  'storage.k8s.io/VolumeAttributesClass': [nameColumn, text('DriverName', (object) => textAt(object, 'driverName')), ageColumn],
  'storage.k8s.io/VolumeAttachment': [
    nameColumn,
    text('Attacher', (object) => textAt(object, 'spec.attacher')),
    text('PV', (object) => textAt(object, 'spec.source.persistentVolumeName')),
    text('Node', (object) => textAt(object, 'spec.nodeName')),
    boolean('Attached', (object) => at(object, 'status.attached') === true),
    ageColumn,
  ],
  'storage.k8s.io/CSINode': [nameColumn, integer('Drivers', (object) => countAt(object, 'spec.drivers')), ageColumn],
  'storage.k8s.io/CSIDriver': [
    nameColumn,
    boolean('AttachRequired', (object) => at(object, 'spec.attachRequired') !== false),
    boolean('PodInfoOnMount', (object) => at(object, 'spec.podInfoOnMount') === true),
    boolean('StorageCapacity', (object) => at(object, 'spec.storageCapacity') === true),
    text(
      'TokenRequests',
      (object) =>
        listAt(object, 'spec.tokenRequests')
          .map((one) => textAt(one, 'audience'))
          .join(',') || '<unset>',
    ),
    boolean('RequiresRepublish', (object) => at(object, 'spec.requiresRepublish') === true),
    text('Modes', (object) => textsAt(object, 'spec.volumeLifecycleModes').join(',') || '<none>'),
    ageColumn,
  ],
  'storage.k8s.io/CSIStorageCapacity': [
    nameColumn,
    text('StorageClassName', (object) => textAt(object, 'storageClassName')),
    text('Capacity', (object) => textAt(object, 'capacity') || '<unset>'),
  ],
  'networking.k8s.io/Ingress': [
    nameColumn,
    text('Class', (object) => textAt(object, 'spec.ingressClassName') || '<none>'),
    text('Hosts', (object) =>
      some(
        listAt(object, 'spec.rules')
          .map((rule) => textAt(rule, 'host'))
          .filter((host) => host !== ''),
        '*',
      ),
    ),
    text('Address', (object) =>
      listAt(object, 'status.loadBalancer.ingress')
        .map((one) => textAt(one, 'ip') || textAt(one, 'hostname'))
        .join(','),
    ),
    text('Ports', (object) => (countAt(object, 'spec.tls') > 0 ? '80, 443' : '80')),
    ageColumn,
  ],
  'networking.k8s.io/IngressClass': [
    nameColumn,
    text('Controller', (object) => textAt(object, 'spec.controller')),
    text('Parameters', (object) => {
      if (at(object, 'spec.parameters') === undefined) return '<none>';
      const group = textAt(object, 'spec.parameters.apiGroup');
      const kind = textAt(object, 'spec.parameters.kind');
      return `${kind}${group === '' ? '' : `.${group}`}/${textAt(object, 'spec.parameters.name')}`;
    }),
    ageColumn,
  ],
  'networking.k8s.io/NetworkPolicy': [
    nameColumn,
    text('Pod-Selector', (object) => selectorText(at(object, 'spec.podSelector'))),
    ageColumn,
  ],
  'networking.k8s.io/IPAddress': [
    nameColumn,
    text('ParentRef', (object) => {
      const [group, resource, namespace, name] = ['group', 'resource', 'namespace', 'name'].map((field) =>
        textAt(object, `spec.parentRef.${field}`),
      );
      return [`${resource ?? ''}${group ? `.${group}` : ''}`, namespace, name].filter(Boolean).join('/') || '<none>';
    }),
  ],
  'networking.k8s.io/ServiceCIDR': [nameColumn, text('CIDRs', (object) => textsAt(object, 'spec.cidrs').join(',')), ageColumn],
  'discovery.k8s.io/EndpointSlice': [
    nameColumn,
    text('AddressType', (object) => textAt(object, 'addressType')),
    text('Ports', (object) => {
      const ports = listAt(object, 'ports').map((port) => textAt(port, 'port') || '*');
      return at(object, 'ports') === undefined || ports.length === 0 ? '<unset>' : some(ports);
    }),
    text('Endpoints', (object) => {
      const list = listAt(object, 'endpoints').flatMap((endpoint) => textsAt(endpoint, 'addresses'));
      return list.length === 0 ? '<unset>' : some(list);
    }),
    ageColumn,
  ],
  'rbac.authorization.k8s.io/Role': [nameColumn, createdColumn],
  'rbac.authorization.k8s.io/ClusterRole': [nameColumn, createdColumn],
  'rbac.authorization.k8s.io/RoleBinding': bindings(),
  'rbac.authorization.k8s.io/ClusterRoleBinding': bindings(),
  'certificates.k8s.io/CertificateSigningRequest': [
    nameColumn,
    ageColumn,
    text('SignerName', (object) => textAt(object, 'spec.signerName') || '<none>'),
    text('Requestor', (object) => textAt(object, 'spec.username')),
    text('RequestedDuration', (object) => textAt(object, 'spec.expirationSeconds') || '<none>'),
    text('Condition', () => 'Pending'),
  ],
  'flowcontrol.apiserver.k8s.io/FlowSchema': [
    nameColumn,
    text('PriorityLevel', (object) => textAt(object, 'spec.priorityLevelConfiguration.name')),
    integer('MatchingPrecedence', (object) => numberAt(object, 'spec.matchingPrecedence')),
    text('DistinguisherMethod', (object) => textAt(object, 'spec.distinguisherMethod.type') || '<none>'),
    ageColumn,
    text('MissingPL', () => '?'),
  ],
  'flowcontrol.apiserver.k8s.io/PriorityLevelConfiguration': [
    nameColumn,
    text('Type', (object) => textAt(object, 'spec.type')),
    text('NominalConcurrencyShares', (object) => textAt(object, 'spec.limited.nominalConcurrencyShares') || '<none>'),
    ...['queues', 'handSize', 'queueLengthLimit'].map((field) =>
      text(
        field.charAt(0).toUpperCase() + field.slice(1),
        (object) => textAt(object, `spec.limited.limitResponse.queuing.${field}`) || '<none>',
      ),
    ),
    ageColumn,
  ],
  'admissionregistration.k8s.io/MutatingWebhookConfiguration': webhooks(),
  'admissionregistration.k8s.io/ValidatingWebhookConfiguration': webhooks(),
  'admissionregistration.k8s.io/ValidatingAdmissionPolicy': [
    nameColumn,
    integer('Validations', (object) => countAt(object, 'spec.validations')),
    text('ParamKind', (object) =>
      at(object, 'spec.paramKind') === undefined
        ? '<unset>'
        : `${textAt(object, 'spec.paramKind.apiVersion')}/${textAt(object, 'spec.paramKind.kind')}`,
    ),
    ageColumn,
  ],
  'admissionregistration.k8s.io/ValidatingAdmissionPolicyBinding': [
    nameColumn,
    text('PolicyName', (object) => textAt(object, 'spec.policyName')),
    text('ParamRef', (object) => {
      if (at(object, 'spec.paramRef') === undefined) return '<unset>';
      const namespace = textAt(object, 'spec.paramRef.namespace') || '*';
      return `${namespace}/${textAt(object, 'spec.paramRef.name')}`;
    }),
    ageColumn,
  ],
  'apiextensions.k8s.io/CustomResourceDefinition': [nameColumn, createdColumn],
};

function webhooks(): PrintedColumn[] {
  return [nameColumn, integer('Webhooks', (object) => countAt(object, 'webhooks')), ageColumn];
}

function bindings(): PrintedColumn[] {
  const subjects = (kind: string) => (object: KubeObject) =>
    listAt(object, 'subjects')
      .filter((subject) => subject['kind'] === kind)
      .map((subject) => (kind === 'ServiceAccount' ? `${textAt(subject, 'namespace')}/` : '') + textAt(subject, 'name'))
      .join(', ');
  return [
    nameColumn,
    text('Role', (object) => `${textAt(object, 'roleRef.kind')}/${textAt(object, 'roleRef.name')}`),
    ageColumn,
    wide(text('Users', subjects('User'))),
    wide(text('Groups', subjects('Group'))),
    wide(text('ServiceAccounts', subjects('ServiceAccount'))),
  ];
}

function events(last: string, about: string, note: string): PrintedColumn[] {
  const source = (object: KubeObject): string => {
    const component =
      textAt(object, 'source.component') || textAt(object, 'deprecatedSource.component') || textAt(object, 'reportingComponent');
    return component;
  };
  return [
    {
      name: 'Last Seen',
      type: 'string',
      cell: (object, now) => age(textAt(object, last) || textAt(object, 'eventTime') || undefined, now),
    },
    text('Type', (object) => textAt(object, 'type')),
    text('Reason', (object) => textAt(object, 'reason')),
    text('Object', (object) => `${textAt(object, `${about}.kind`).toLowerCase()}/${textAt(object, `${about}.name`)}`),
    wide(text('Subobject', (object) => textAt(object, `${about}.fieldPath`))),
    wide(text('Source', source)),
    text('Message', (object) => textAt(object, note).trim()),
    wide(
      text('First Seen', (object, now) => age(textAt(object, 'firstTimestamp') || textAt(object, 'eventTime') || undefined, now)),
    ),
    wide(integer('Count', (object) => numberAt(object, 'count') || 1)),
    wide({ ...nameColumn }),
  ];
}

const shortModes: Record<string, string> = {
  ReadWriteOnce: 'RWO',
  ReadOnlyMany: 'ROX',
  ReadWriteMany: 'RWX',
  ReadWriteOncePod: 'RWOP',
};

function accessModes(object: KubeObject): string {
  return [...new Set(textsAt(object, 'spec.accessModes').map((mode) => shortModes[mode] ?? mode))].join(',');
}

function servicePort(port: object): string {
  const nodePort = numberAt(port, 'nodePort');
  return `${numberAt(port, 'port')}${nodePort > 0 ? `:${nodePort}` : ''}/${textAt(port, 'protocol')}`;
}

function externalAddress(object: KubeObject): string {
  const external = textsAt(object, 'spec.externalIPs').join(',');
  switch (textAt(object, 'spec.type')) {
    case 'ExternalName':
      return textAt(object, 'spec.externalName');
    case 'LoadBalancer':
      return external || '<pending>';
    default:
      return external || '<none>';
  }
}

const shownItems = 3;

/** The first items, and how many more there are. */
function some(list: readonly string[], none = '<none>'): string {
  if (list.length === 0) return none;
  const rest = list.length - shownItems;
  return list.slice(0, shownItems).join(',') + (rest > 0 ? ` + ${rest} more...` : '');
}
