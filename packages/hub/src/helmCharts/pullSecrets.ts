// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type HelmChart } from '@clusternet/api-types';
import { core, isForbidden } from '@clusternet/client';
import { type ChartCredentials, ChartSourceError } from '@clusternet/deployer';
import { type Api } from '../kube/api.ts';
import { type Secret } from '../kube/objects.ts';

/** Credentials are read anew after this time, in milliseconds. */
const rememberMs = 15_000;

/**
 * Reads the Secrets that HelmCharts name in `chartPullSecret`, those of the HelmChart's own namespace only, and only where somebody gave the
 * hub the right to.
 */
export class PullSecrets {
  readonly #api: Api;
  readonly #now: () => number;
  /** Who binds it, lets the hub read Secrets in a namespace. */
  readonly #role: string;
  /** ServiceAccount of the hub, `namespace:name`. */
  readonly #account: string;
  readonly #known = new Map<string, { until: number; secret: Promise<Secret | undefined> }>();

  constructor(o: { api: Api; now: () => number; role: string; account: string }) {
    this.#account = o.account;
    this.#api = o.api;
    this.#now = o.now;
    this.#role = o.role;
  }

  /**
   * Credentials for the repository of a chart; undefined when it names no Secret.
   *
   * @throws ChartSourceError that tells what is wrong with the Secret
   */
  async credentialsOf({ metadata, spec }: HelmChart): Promise<ChartCredentials | undefined> {
    const { name, namespace = metadata.namespace ?? '' } = spec.chartPullSecret ?? {};
    if (!name) return undefined;
    if (namespace !== (metadata.namespace ?? '')) {
      const message = `chartPullSecret must be in the namespace of the HelmChart, ${metadata.namespace}, and not in ${namespace}: copy the Secret`;
      throw new ChartSourceError('Unauthorized', message);
    }
    const secret = await this.#read(namespace, name);
    if (!secret)
      throw new ChartSourceError('Unauthorized', `there is no Secret ${namespace}/${name}, which chartPullSecret names`);
    const decode = (key: string): string | undefined => {
      const value = secret.data?.[key];
      return value === undefined ? undefined : Buffer.from(value, 'base64').toString('utf8');
    };
    const [username, password, caPem] = [decode('username'), decode('password'), decode('ca.crt')];
    if ((username === undefined) !== (password === undefined) || (username === undefined && caPem === undefined)) {
      throw new ChartSourceError(
        'Unauthorized',
        `Secret ${namespace}/${name}, which chartPullSecret names, needs the keys username and password`,
      );
    }
    return {
      ...(username === undefined ? {} : { username }),
      ...(password === undefined ? {} : { password }),
      ...(caPem === undefined ? {} : { caPem }),
    };
  }

  #read(namespace: string, name: string): Promise<Secret | undefined> {
    const key = `${namespace}/${name}`;
    const known = this.#known.get(key);
    if (known && known.until > this.#now()) return known.secret;
    for (const [other, { until }] of this.#known) if (until <= this.#now()) this.#known.delete(other);
    const secret = this.#api
      .resource<Secret>(core.secrets)
      .find({ namespace, name })
      .catch((error: unknown) => {
        this.#known.delete(key);
        if (!isForbidden(error)) throw error;
        const message =
          `the hub may not read Secret ${key}, which chartPullSecret names: let it with kubectl create rolebinding ${this.#role} ` +
          `--namespace=${namespace} --clusterrole=${this.#role} --serviceaccount=${this.#account}`;
        throw new ChartSourceError('Unauthorized', message, { cause: error });
      });
    this.#known.set(key, { until: this.#now() + rememberMs, secret });
    return secret;
  }
}
