// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type ServerResponse } from 'node:http';
import { type Duplex } from 'node:stream';
import { type ApiResource, type ApiSubresource, type GroupVersion, type ServedVersion } from './discovery/apiResource.ts';
import { type KubeRequest } from './request/kubeContext.ts';
import { defaultClass, type RequestClass } from './request/requestClass.ts';
import { type RequestInfo } from './request/requestInfo.ts';

/**
 * Takes a connection over after its upgrade request was let in. Answers the handshake itself, and may throw a StatusError before it has.
 */
export type UpgradeHandler = (request: KubeRequest, socket: Duplex, head: Buffer) => void | Promise<void>;

/** What serves a group and version. */
export interface GroupVersionHandlers {
  /** What discovery lists and the gate lets pass; a function when resources come and go. */
  resources: readonly ApiResource[] | (() => readonly ApiResource[]);
  /**
   * Answers what the gate let pass. Called straight, with nothing of a router in between: what a request is about stands in `request.kube`
   * already, and this is the way of every watch and every request to a cluster. May throw a StatusError before it has begun to answer.
   */
  handler: (request: KubeRequest, response: ServerResponse) => void | Promise<void>;
  upgrade?: UpgradeHandler;
  /** How a request is bounded; default: watches and upgrades are long-running. */
  requestClass?: (info: RequestInfo, upgrade: boolean) => RequestClass | undefined;
}

interface Registered extends ServedVersion {
  handlers: GroupVersionHandlers;
}

/** What is served. */
export class Registry {
  readonly #registered: Registered[] = [];

  /** @throws an Error when the group and version is served already */
  add({ group, version }: GroupVersion, handlers: GroupVersionHandlers): void {
    if (this.handlersOf({ group, version })) throw new Error(`${group}/${version} has its handlers already`);
    const { resources } = handlers;
    this.#registered.push({ group, version, handlers, resources: typeof resources === 'function' ? resources : () => resources });
  }

  get served(): readonly ServedVersion[] {
    return this.#registered;
  }

  handlersOf(of: GroupVersion): GroupVersionHandlers | undefined {
    return this.#version(of)?.handlers;
  }

  /** The resource or subresource that a request is about. */
  find(info: RequestInfo): Pick<ApiSubresource, 'verbs' | 'anyMethod'> | undefined {
    const resource = this.#version(info)
      ?.resources()
      .find(({ name }) => name === info.resource);
    if (info.subresource === '') return resource;
    return resource?.subresources?.find(({ name }) => name === info.subresource);
  }

  classOf(info: RequestInfo, upgrade: boolean): RequestClass {
    return this.handlersOf(info)?.requestClass?.(info, upgrade) ?? defaultClass(info, upgrade);
  }

  #version({ group, version }: GroupVersion): Registered | undefined {
    return this.#registered.find((one) => one.group === group && one.version === version);
  }
}
