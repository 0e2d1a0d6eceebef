// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { type X509Certificate } from 'node:crypto';
import { type TLSSocket } from 'node:tls';
import { isClientOf } from './clientCertificate.ts';

/** Signatures are dear to check; a certificate may outlive itself by so long. */
const verdictMs = 10_000;
const peers = new WeakMap<TLSSocket, Peer>();
/**
 * kube-apiserver shows the same certificate on every connection, of which there are thousands: one reading of it serves them all. Nobody can
 * add to these but by certificates that were accepted in a handshake; the oldest go first.
 */
const accepted = new Map<string, Peer>();
const maxAccepted = 64;

/** The other end of a connection, and what its certificate was found to be. */
export class Peer {
  /** The certificate that was shown; that the client has its key is certain after the handshake. */
  readonly certificate: X509Certificate | undefined;
  readonly #accepted: boolean;
  readonly #verdicts = new WeakMap<readonly X509Certificate[], { signed: boolean; untilMs: number }>();

  private constructor(certificate: X509Certificate | undefined, isAccepted: boolean) {
    this.certificate = certificate;
    this.#accepted = isAccepted;
  }

  static of(socket: TLSSocket): Peer {
    let peer = peers.get(socket);
    if (!peer) {
      peer = Peer.#of(socket);
      peers.set(socket, peer);
    }
    return peer;
  }

  static #of(socket: TLSSocket): Peer {
    const certificate = socket.getPeerX509Certificate();
    if (!certificate || !socket.authorized) return new Peer(certificate, false);
    const { fingerprint512 } = certificate;
    const peer = accepted.get(fingerprint512) ?? new Peer(certificate, true);
    accepted.delete(fingerprint512);
    accepted.set(fingerprint512, peer);
    for (const oldest of accepted.keys()) {
      if (accepted.size <= maxAccepted) break;
      accepted.delete(oldest);
    }
    return peer;
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
