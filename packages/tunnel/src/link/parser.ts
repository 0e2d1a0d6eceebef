// Copyright The Clusternet Authors.
// SPDX-License-Identifier: Apache-2.0

import { EventEmitter } from 'node:events';

/** The packets of socket.io that a tunnel needs; everything else travels as frames of our own. */
const packetTypes = { connect: 0, disconnect: 1, connectError: 4 } as const;

interface Packet {
  type: number;
  nsp: string;
  data?: unknown;
}

/** A socket.io encoder: packets of the connection's life are text as socket.io has them, only simpler. */
class Encoder {
  encode(packet: Packet): string[] {
    return [`${packet.type}${packet.data === undefined ? '' : JSON.stringify(packet.data)}`];
  }
}

/**
 * A socket.io decoder that takes only what a tunnel needs, so that nothing that a peer can send builds up state in socket.io:
 * no events, no acknowledgements, no other namespaces. Binary messages pass by; they are the tunnel's frames.
 */
class Decoder extends EventEmitter {
  add(message: unknown): void {
    if (typeof message !== 'string') return;
    const type = message.charCodeAt(0) - 48;
    const known = type === packetTypes.connect || type === packetTypes.disconnect || type === packetTypes.connectError;
    if (!known || message.length > 1024) throw new Error('a text message that no tunnel sends');
    const data: unknown = message.length > 1 ? JSON.parse(message.slice(1)) : undefined;
    this.emit('decoded', { type, nsp: '/', data } satisfies Packet);
  }

  destroy(): void {}
}

/** Our parser, as socket.io takes it. Both ends must have it. */
export const parser = { Encoder, Decoder };
