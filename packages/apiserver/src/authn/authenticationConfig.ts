// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type X509Certificate } from 'node:crypto';
import { parseBundle } from './clientCertificate.ts';

/** How the front proxy proves itself, and in which headers it names the user. All names in lower case. */
export interface RequestHeaderConfig {
  roots: X509Certificate[];
  /** Common names of the front proxy's certificate; empty for any that its CA signed, as in Kubernetes. */
  allowedNames: string[];
  usernameHeaders: string[];
  uidHeaders: string[];
  groupHeaders: string[];
  extraPrefixes: string[];
}

/** What identities are proved with, besides bearer tokens. */
export interface AuthenticationConfig {
  /** Without it nobody's word about users is taken. */
  requestHeader: RequestHeaderConfig | undefined;
  /** CAs of certificates that name users themselves. */
  clientRoots: X509Certificate[];
  /** Both bundles, for the TLS server to say whose certificates it takes. */
  caPems: string[];
}

/** Where the API server says how it vouches for users. */
export const authenticationConfigMap = { namespace: 'kube-system', name: 'extension-apiserver-authentication' } as const;

/** Names as given by flags, which win over the ConfigMap. */
export interface RequestHeaderNames {
  allowedNames: string[];
  usernameHeaders: string[];
  uidHeaders: string[];
  groupHeaders: string[];
  extraPrefixes: string[];
}

/** The names Kubernetes uses where nothing is said. */
export const defaultNames: RequestHeaderNames = {
  allowedNames: [],
  usernameHeaders: ['x-remote-user'],
  uidHeaders: ['x-remote-uid'],
  groupHeaders: ['x-remote-group'],
  extraPrefixes: ['x-remote-extra-'],
};

/** The sources of an {@link AuthenticationConfig}; PEM texts. */
export interface AuthenticationSources {
  /** `data` of the ConfigMap; undefined when it is not known. */
  configMap: Record<string, string> | undefined;
  /** Of `--requestheader-client-ca-file`; with it the names of the flags count, else those of the ConfigMap. */
  requestHeaderCa: string | undefined;
  requestHeaderNames: RequestHeaderNames;
  /** Of `--client-ca-file`. */
  clientCa: string | undefined;
}

/**
 * Puts flags and ConfigMap together.
 *
 * @throws an Error that names the key that does not parse
 */
export function authenticationConfig(sources: AuthenticationSources): AuthenticationConfig {
  const data = sources.configMap ?? {};
  const clientCa = sources.clientCa ?? data['client-ca-file'];
  const requestHeaderCa = sources.requestHeaderCa ?? data['requestheader-client-ca-file'];
  const names = sources.requestHeaderCa === undefined ? namesOf(data) : sources.requestHeaderNames;
  const roots = requestHeaderCa === undefined ? [] : bundle('requestheader-client-ca-file', requestHeaderCa);
  return {
    requestHeader: roots.length === 0 ? undefined : { roots, ...lowerCased(names) },
    clientRoots: clientCa === undefined ? [] : bundle('client-ca-file', clientCa),
    caPems: [requestHeaderCa, clientCa].filter((pem): pem is string => pem !== undefined && pem !== ''),
  };
}

function namesOf(data: Record<string, string>): RequestHeaderNames {
  return {
    allowedNames: list(data, 'requestheader-allowed-names') ?? defaultNames.allowedNames,
    usernameHeaders: list(data, 'requestheader-username-headers') ?? defaultNames.usernameHeaders,
    uidHeaders: list(data, 'requestheader-uid-headers') ?? defaultNames.uidHeaders,
    groupHeaders: list(data, 'requestheader-group-headers') ?? defaultNames.groupHeaders,
    extraPrefixes: list(data, 'requestheader-extra-headers-prefix') ?? defaultNames.extraPrefixes,
  };
}

function lowerCased({ allowedNames, ...headers }: RequestHeaderNames): RequestHeaderNames {
  const lower = (names: string[]): string[] => names.map((name) => name.trim().toLowerCase()).filter((name) => name !== '');
  return {
    allowedNames,
    usernameHeaders: lower(headers.usernameHeaders),
    uidHeaders: lower(headers.uidHeaders),
    groupHeaders: lower(headers.groupHeaders),
    extraPrefixes: lower(headers.extraPrefixes),
  };
}

function list(data: Record<string, string>, key: string): string[] | undefined {
  const text = data[key];
  if (text === undefined || text === '') return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new Error(`${key} is not a JSON list`, { cause });
  }
  if (!Array.isArray(value) || !value.every((item) => typeof item === 'string')) throw new Error(`${key} is not a list of texts`);
  return value;
}

function bundle(key: string, pem: string): X509Certificate[] {
  try {
    return parseBundle(pem);
  } catch (cause) {
    throw new Error(`${key} holds something that is not a certificate`, { cause });
  }
}
