// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type X509Certificate } from 'node:crypto';
import { type TLSSocket } from 'node:tls';
import { isClientOf } from './clientCertificate.ts';

/** Signatures are dear to check; a certificate may outlive itself by so long. */
const verdictMs = 10_000;
const peers = new WeakMap<TLSSocket, Peer>();

/** The other end of a connection, and what its certificate was found to be. */
export class Peer {
  /** The certificate that was shown; that the client has its key is certain after the handshake. */
  readonly certificate: X509Certificate | undefined;
  readonly #accepted: boolean;
  readonly #verdicts = new WeakMap<readonly X509Certificate[], { signed: boolean; untilMs: number }>();

  private constructor(socket: TLSSocket) {
    this.certificate = socket.getPeerX509Certificate();
    this.#accepted = socket.authorized;
  }

  static of(socket: TLSSocket): Peer {
    const known = peers.get(socket) ?? new Peer(socket);
    peers.set(socket, known);
    return known;
  }

  /**
   * Whether its certificate is good and signed by one of the authorities.
   *
   * @remarks
   * OpenSSL has checked the chain in full during the handshake, against the authorities of all purposes together. Which of them it was, whether
   * that is still trusted, and the dates are looked at here, again and again while the connection lives. Node does not tell the
   * intermediates that a client sends along, so an intermediate has to stand in the bundle, beside its root.
   */
  isSignedBy(authorities: readonly X509Certificate[], now: Date): boolean {
    if (!this.#accepted || !this.certificate) return false;
    const known = this.#verdicts.get(authorities);
    if (known && known.untilMs > now.getTime()) return known.signed;
    const signed = isClientOf(this.certificate, authorities, now);
    this.#verdicts.set(authorities, { signed, untilMs: now.getTime() + verdictMs });
    return signed;
  }
}
