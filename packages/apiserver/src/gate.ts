// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type IncomingMessage } from 'node:http';
import { type Authenticator, type Identity } from './authn/authenticator.ts';
import { anonymous } from './authn/user.ts';
import { type Authorizer } from './authz/authorizer.ts';
import { checkLength, defaultBodyLimit } from './request/body.ts';
import { checkFraming } from './request/framing.ts';
import { type RequestClass } from './request/requestClass.ts';
import { requestInfo, type RequestInfo } from './request/requestInfo.ts';
import { type Slot, Slots } from './request/slots.ts';
import { StatusError } from './request/statusError.ts';
import { parseTarget, type RequestTarget } from './request/target.ts';
import { type Registry } from './registry.ts';

/** Options of {@link Gate}. */
export interface GateOptions {
  authenticator: Pick<Authenticator, 'authenticate'>;
  authorizer: Pick<Authorizer, 'authorize' | 'isOpen'>;
  registry: Registry;
  limits: { short: number; shortPerUser: number; long: number; longPerUser: number };
}

/** What is known of a request on its way through the gate; filled in as far as it gets. */
export interface Passage {
  upgrade: boolean;
  target?: RequestTarget;
  info?: RequestInfo;
  requestClass: RequestClass;
  slot?: Slot;
}

const methods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

/** What every request passes before a handler sees it, plain or upgrading alike. */
export class Gate {
  readonly #options: GateOptions;
  readonly #short: Slots;
  readonly #long: Slots;

  constructor(options: GateOptions) {
    this.#options = options;
    const { short, shortPerUser, long, longPerUser } = options.limits;
    this.#short = new Slots({ max: short, maxPerUser: shortPerUser, what: 'requests' });
    this.#long = new Slots({ max: long, maxPerUser: longPerUser, what: 'long-running requests' });
  }

  /** Requests under way by class. */
  inFlight(): Record<string, number> {
    return { short: this.#short.taken, long: this.#long.taken };
  }

  /**
   * Checks framing and path, takes a slot, authenticates, authorizes, and sees that there is something to serve it.
   *
   * @remarks A slot is held while others are asked about the caller, so that a flood of unknown ones is bounded too. Health is exempt: a
   * server that is busy must not be taken for dead.
   * @throws StatusError; the slot in `passage` is to be released in any case
   */
  async pass(request: IncomingMessage, passage: Passage): Promise<Identity> {
    const { upgrade } = passage;
    const { registry, authenticator, authorizer } = this.#options;
    checkFraming(request, upgrade);
    const { method = '' } = request;
    passage.target = parseTarget(request.url ?? '', request.headers.host);
    const info = (passage.info = requestInfo(method, passage.target));
    if (!methods.has(method)) throw methodNotAllowed();
    if (authorizer.isOpen(info) && !upgrade) {
      // Neither believed nor needed here, but not passed on either.
      return { user: anonymous(), secretExtras: {} };
    }
    passage.requestClass = registry.classOf(info, upgrade);
    if (passage.requestClass !== 'free') {
      passage.slot = (passage.requestClass === 'long' ? this.#long : this.#short).take();
    }
    if (passage.requestClass === 'short') checkLength(request, defaultBodyLimit);
    const identity = await authenticator.authenticate(request);
    passage.slot?.assign(identity.user.name);
    await authorizer.authorize(identity, info);
    if (info.isResource) checkServed(registry, info);
    return identity;
  }
}

function checkServed(registry: Registry, info: RequestInfo): void {
  const found = registry.find(info);
  if (!found) throw new StatusError(404, 'the server could not find the requested resource', { details: {} });
  if (!found.anyMethod && !found.verbs.includes(info.verb)) throw methodNotAllowed();
}

function methodNotAllowed(): StatusError {
  return new StatusError(405, 'the server does not allow this method on the requested resource', { details: {} });
}
