// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import type * as z from 'zod';
import { resources } from '../resources.ts';
import { conditions } from './common.ts';
import { atomicList, int32, list, listMap, object, oneOf, string } from './dsl.ts';
import { kindOf } from './kind.ts';

export const serviceExportStatusSchema = object('State of the export.', { conditions: conditions().optional() });
export type ServiceExportStatus = z.input<typeof serviceExportStatusSchema>;

export const serviceExportSchema = kindOf(resources.serviceExports, 'Offers the Service of the same name to other clusters.', {
  status: serviceExportStatusSchema.optional(),
});
export type ServiceExport = z.input<typeof serviceExportSchema>;

const servicePort = object('A port of the service.', {
  name: string('Name of the port.').optional(),
  protocol: string('TCP (when absent), UDP or SCTP.').optional(),
  appProtocol: string('Protocol of the application on this port.').optional(),
  port: int32('Number of the port.'),
});

export const serviceImportSpecSchema = object('The imported service.', {
  ports: list('Ports of the service.', servicePort, { extensions: atomicList }),
  ips: list('Address of the service.', string('IP address.'), { max: 1 }).optional(),
  type: oneOf('With one address for the set of clusters, or without.', ['ClusterSetIP', 'Headless']),
  sessionAffinity: string('ClientIP or None.').optional(),
  sessionAffinityConfig: object('Details of the session affinity.', {
    clientIP: object('Affinity by client address.', {
      timeoutSeconds: int32('Seconds that a client stays with its endpoint.').optional(),
    }).optional(),
  }).optional(),
});
export type ServiceImportSpec = z.input<typeof serviceImportSpecSchema>;

export const serviceImportStatusSchema = object('Where the service comes from.', {
  clusters: list('Exporting clusters.', object('An exporting cluster.', { cluster: string('Name of the cluster.') }), {
    extensions: listMap('cluster'),
  }).optional(),
});
export type ServiceImportStatus = z.input<typeof serviceImportStatusSchema>;

export const serviceImportSchema = kindOf(resources.serviceImports, 'A Service of other clusters, made usable in this one.', {
  spec: serviceImportSpecSchema,
  status: serviceImportStatusSchema.optional(),
});
export type ServiceImport = z.input<typeof serviceImportSchema>;
