// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { ChartSourceError } from './chartSourceError.ts';

/** A chart as HelmCharts and HelmReleases name it. */
export interface ChartRef {
  /** URL of the repository: http, https or oci. */
  repo: string;
  chart: string;
  /** Exact, a range, or empty for the latest stable one. */
  version?: string;
  /** Talk HTTP to an OCI registry. */
  plainHTTP?: boolean;
}

/** Credentials for one repository. */
export interface ChartCredentials {
  username?: string;
  password?: string;
  /** CA of the repository, besides those of the system. */
  caPem?: string;
}

/** A chart as its repository has it. */
export interface ResolvedChart {
  /** Exact version. */
  version: string;
  /** `sha256:HEX` of the archive, where the repository tells it. */
  digest?: string;
  /** Where the archive is. */
  url: URL;
}

/** An address of a repository, taken apart. */
export type Repository =
  | { type: 'http'; base: URL }
  | { type: 'oci'; registry: URL; /** Repository in the registry, with the chart's name. */ path: string };

/**
 * Reads the address of a chart.
 *
 * @throws ChartSourceError `Invalid` for anything but http, https and oci URLs without credentials, and for odd names of charts
 */
export function repositoryOf({ repo, chart, plainHTTP }: ChartRef): Repository {
  if (!/^[A-Za-z0-9][A-Za-z0-9._/-]*$/.test(chart) || chart.includes('..')) {
    throw new ChartSourceError(
      'Invalid',
      `"${chart}" is not a name of a chart: letters, digits, ".", "_", "-" and "/" are allowed`,
    );
  }
  const url = URL.canParse(repo) ? new URL(repo) : undefined;
  if (url === undefined || !['http:', 'https:', 'oci:'].includes(url.protocol) || url.host === '') {
    throw new ChartSourceError('Invalid', `repo must be a URL with scheme http, https or oci, and is "${cutText(repo)}"`);
  }
  if (url.username !== '' || url.password !== '') {
    throw new ChartSourceError(
      'Invalid',
      'repo must not contain credentials: put them into a Secret and name it in chartPullSecret',
    );
  }
  if (url.protocol === 'oci:') {
    const path = [...url.pathname.split('/'), ...chart.split('/')].filter((part) => part !== '').join('/');
    const registry = new URL(`${plainHTTP ? 'http' : 'https'}://${url.host}/`);
    // The one registry whose API is not where its name says.
    if (registry.host === 'docker.io') registry.host = 'registry-1.docker.io';
    return { type: 'oci', registry, path };
  }
  const base = new URL(url);
  base.hash = '';
  if (!base.pathname.endsWith('/')) base.pathname += '/';
  return { type: 'http', base };
}

function cutText(text: string): string {
  return text.length > 200 ? `${text.slice(0, 200)}…` : text;
}
